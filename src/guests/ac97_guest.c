/* SPDX-License-Identifier: BSD-3-Clause */
/* The card as its driver sees it: controller and codec up, and the mixer open. */
#include "guests/ac97_guest.h"

#include <string.h>

#include "guests/ac97_parts.h"

#define VENDOR_INTEL   0x8086u
#define CLASS_AUDIO    0x040100u /* multimedia, audio, no interface */
#define DEVICE_ICH     0x2415u
#define DEVICE_ICH4    0x24c5u
#define CONFIG_CFG     0x41u /* 82801DB, 14.1.20: I/O space enable */
#define CODEC_BYTES    0x80u
#define SEMAPHORE      0x34u
#define SEMAPHORE_BUSY 1u
#define CNT_COLD       0x02u /* 0: the link is in cold reset */
#define CNT_LINK_OFF   0x08u
#define CNT_CHANNELS   0x00f00000u /* channels and sample size */
#define STA_READY      0x100u
#define STA_NO_ANSWER  0x8000u
/* Written as they were read: bits that are cleared by a one. */
#define STA_KEEP       (~(0x20000000u | 0xc00u | 0x1u))
#define HAS_CENTER_LFE 0x140u /* of the extended id */
#define HAS_SURROUND   0x080u
#define HAS_MIC_ADC    0x008u
#define US             1000u
#define MS             (1000u * US)

/* Where an engine is, and its bit in GLOB_STA. */
static const struct ac97_guest_engine engines[VMSND_AC97_STREAMS] = {
    [VMSND_AC97_PCM_IN] = {0x00, 0x00000020, VMSND_CAPTURE, VMSND_AC97_ADC_RATE},
    [VMSND_AC97_PCM_OUT] = {0x10, 0x00000040, VMSND_PLAYBACK, VMSND_AC97_FRONT_RATE},
    [VMSND_AC97_MIC] = {0x20, 0x00000080, VMSND_CAPTURE, VMSND_AC97_MIC_RATE},
    [VMSND_AC97_MIC2] = {0x40, 0x01000000, VMSND_CAPTURE, 0},
    [VMSND_AC97_PCM_IN2] = {0x50, 0x02000000, VMSND_CAPTURE, 0},
    [VMSND_AC97_SPDIF] = {0x60, 0x04000000, VMSND_PLAYBACK, 0},
};

const struct ac97_guest_engine *ac97_guest_engine(unsigned stream)
{
	return &engines[stream];
}

void ac97_guest_wait(struct vmsnd_ac97_guest *guest, vmsnd_ns ns)
{
	guest->conf.pci.host.wait(guest->conf.pci.host.ctx, ns);
}

/* ---- registers ---------------------------------------------------------------------- */

static unsigned width_of(unsigned reg)
{
	if (reg == VMSND_AC97_BDBAR)
		return 4;
	return reg == VMSND_AC97_PICB ? 2 : 1;
}

uint32_t vmsnd_ac97_guest_read(struct vmsnd_ac97_guest *guest, unsigned stream, unsigned reg)
{
	return vmsnd_guest_pci_read(&guest->pci, guest->master_bar, engines[stream].at + reg,
				    width_of(reg));
}

void vmsnd_ac97_guest_write(struct vmsnd_ac97_guest *guest, unsigned stream, unsigned reg,
			    uint32_t value)
{
	vmsnd_guest_pci_write(&guest->pci, guest->master_bar, engines[stream].at + reg,
			      width_of(reg), value);
}

uint32_t ac97_guest_get(struct vmsnd_ac97_guest *guest, uint32_t at)
{
	return vmsnd_guest_pci_read(&guest->pci, guest->master_bar, at, 4);
}

void ac97_guest_put(struct vmsnd_ac97_guest *guest, uint32_t at, uint32_t value)
{
	vmsnd_guest_pci_write(&guest->pci, guest->master_bar, at, 4, value);
}

/* ---- the codec ---------------------------------------------------------------------- */

/* The card lends it to whoever reads a 0; an access of the codec gives it back. */
static bool take_semaphore(struct vmsnd_ac97_guest *guest)
{
	if (!(ac97_guest_get(guest, VMSND_AC97_GLOB_STA) & STA_READY))
		return false;
	for (unsigned i = 0; i < 100; i++) {
		if (!(vmsnd_guest_pci_read(&guest->pci, guest->master_bar, SEMAPHORE, 1) &
		      SEMAPHORE_BUSY))
			return true;
		ac97_guest_wait(guest, 10 * US);
	}
	guest->semaphore_timeouts++;
	/* Gives it back, whoever had it. */
	vmsnd_guest_pci_read(&guest->pci, guest->mixer_bar, 0, 2);
	return false;
}

uint16_t vmsnd_ac97_guest_codec_read(struct vmsnd_ac97_guest *guest, unsigned at)
{
	uint32_t value, status;

	if (at >= CODEC_BYTES || !take_semaphore(guest))
		return 0xffff;
	value = vmsnd_guest_pci_read(&guest->pci, guest->mixer_bar, at, 2);
	status = ac97_guest_get(guest, VMSND_AC97_GLOB_STA);
	if (status & STA_NO_ANSWER) {
		ac97_guest_put(guest, VMSND_AC97_GLOB_STA, status & STA_KEEP);
		return 0xffff;
	}
	return (uint16_t)value;
}

void vmsnd_ac97_guest_codec_write(struct vmsnd_ac97_guest *guest, unsigned at, uint16_t value)
{
	take_semaphore(guest);
	if (at < CODEC_BYTES)
		vmsnd_guest_pci_write(&guest->pci, guest->mixer_bar, at, 2, value);
}

/* ---- up ----------------------------------------------------------------------------- */

static enum vmsnd_rc choose_bars(struct vmsnd_ac97_guest *guest)
{
	const struct vmsnd_guest_pci *pci = &guest->pci;
	bool by_memory = !guest->conf.by_ports && pci->bars[2].bytes != 0;

	guest->by_memory = by_memory;
	guest->ich4 = pci->device == DEVICE_ICH4;
	guest->mixer_bar = by_memory ? 2 : 0;
	guest->master_bar = guest->mixer_bar + 1;
	/* An 82801DB's ports reach three engines only. */
	guest->n_streams = by_memory && guest->ich4 ? VMSND_AC97_STREAMS : VMSND_AC97_MIC + 1;
	if (pci->bars[guest->mixer_bar].io == by_memory ||
	    pci->bars[guest->mixer_bar].bytes < 2 * CODEC_BYTES ||
	    pci->bars[guest->master_bar].io == by_memory || pci->bars[guest->master_bar].bytes < 64)
		return VMSND_E_UNSUPPORTED;
	return VMSND_OK;
}

static enum vmsnd_rc find_card(struct vmsnd_ac97_guest *guest)
{
	enum vmsnd_rc rc = vmsnd_guest_pci_find(&guest->pci, &guest->conf.pci);

	if (rc)
		return rc;
	if (guest->pci.class_code != CLASS_AUDIO || guest->pci.vendor != VENDOR_INTEL ||
	    (guest->pci.device != DEVICE_ICH && guest->pci.device != DEVICE_ICH4))
		return VMSND_E_UNSUPPORTED;
	rc = choose_bars(guest);
	if (!rc && guest->ich4 && !guest->by_memory)
		vmsnd_guest_pci_write(&guest->pci, VMSND_PCI_CONFIG, CONFIG_CFG, 1, 1);
	return rc ? rc : vmsnd_guest_pci_enable(&guest->pci);
}

static enum vmsnd_rc cold_reset(struct vmsnd_ac97_guest *guest)
{
	uint32_t control = ac97_guest_get(guest, VMSND_AC97_GLOB_CNT);

	/* What is pending from before. */
	ac97_guest_put(guest, VMSND_AC97_GLOB_STA, ac97_guest_get(guest, VMSND_AC97_GLOB_STA));
	control &= ~(CNT_LINK_OFF | CNT_CHANNELS);
	ac97_guest_put(guest, VMSND_AC97_GLOB_CNT, control & ~CNT_COLD);
	control = ac97_guest_get(guest, VMSND_AC97_GLOB_CNT);
	ac97_guest_wait(guest, 10 * US);
	ac97_guest_put(guest, VMSND_AC97_GLOB_CNT, control | CNT_COLD);
	ac97_guest_wait(guest, 1 * MS);
	for (unsigned i = 0; i < 100; i++) {
		if (ac97_guest_get(guest, VMSND_AC97_GLOB_STA) & STA_READY)
			return VMSND_OK;
		ac97_guest_wait(guest, 10 * MS);
	}
	return VMSND_E_GONE;
}

static enum vmsnd_rc reset_engines(struct vmsnd_ac97_guest *guest)
{
	for (unsigned i = 0; i < guest->n_streams; i++) {
		struct vmsnd_ac97_guest_stream *stream = &guest->streams[i];
		enum vmsnd_rc rc = ac97_guest_reset_engine(guest, i);

		if (rc)
			return rc;
		guest->interrupt_mask |= engines[i].status;
		stream->descriptors =
		    vmsnd_guest_memory_take(&guest->memory, VMSND_AC97_DESCRIPTORS * 8, 256);
		if (!stream->descriptors)
			return VMSND_E_NOMEM;
	}
	return VMSND_OK;
}

/* Loud and clear: nothing between the samples and the host. */
static enum vmsnd_rc open_mixer(struct vmsnd_ac97_guest *guest)
{
	static const struct {
		uint16_t at, value, needs;
	} rows[] = {{VMSND_AC97_MASTER, 0x0000, 0},
		    {VMSND_AC97_HEADPHONE, 0x0000, 0},
		    {VMSND_AC97_MASTER_MONO, 0x0000, 0},
		    {VMSND_AC97_PCM, 0x0808, 0},
		    {VMSND_AC97_CENTER_LFE, 0x0000, HAS_CENTER_LFE},
		    {VMSND_AC97_SURROUND, 0x0000, HAS_SURROUND},
		    {VMSND_AC97_RECORD_GAIN, 0x0000, 0},
		    {VMSND_AC97_RECORD_GAIN_MIC, 0x0000, HAS_MIC_ADC}};

	vmsnd_ac97_guest_codec_write(guest, VMSND_AC97_RESET, 0);
	guest->codec_vendor = (uint32_t)vmsnd_ac97_guest_codec_read(guest, VMSND_AC97_VENDOR_1)
			      << 16;
	guest->codec_vendor |= vmsnd_ac97_guest_codec_read(guest, VMSND_AC97_VENDOR_2);
	guest->extended_id = vmsnd_ac97_guest_codec_read(guest, VMSND_AC97_EXTENDED_ID);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((guest->extended_id & rows[i].needs) == rows[i].needs)
			vmsnd_ac97_guest_codec_write(guest, rows[i].at, rows[i].value);
	vmsnd_ac97_guest_codec_write(guest, VMSND_AC97_RECORD_SELECT, guest->conf.record_select);
	if (vmsnd_ac97_guest_codec_read(guest, VMSND_AC97_PCM) != 0x0808)
		return VMSND_E_PROTOCOL;
	return vmsnd_ac97_guest_codec_read(guest, VMSND_AC97_MASTER) ? VMSND_E_PROTOCOL : VMSND_OK;
}

static enum vmsnd_rc share_memory(struct vmsnd_ac97_guest *guest)
{
	const struct vmsnd_ac97_guest_conf *conf = &guest->conf;

	if (conf->gpa + conf->memory_bytes > UINT64_C(1) << 32)
		return VMSND_E_NOMEM;
	guest->memory = (struct vmsnd_guest_memory){
	    .at = conf->memory, .gpa = conf->gpa, .bytes = conf->memory_bytes};
	return conf->pci.host.share(conf->pci.host.ctx, conf->gpa, conf->memory,
				    conf->memory_bytes);
}

enum vmsnd_rc vmsnd_ac97_guest_open(struct vmsnd_ac97_guest *guest,
				    const struct vmsnd_ac97_guest_conf *conf)
{
	enum vmsnd_rc (*const steps[])(struct vmsnd_ac97_guest *) = {
	    share_memory, find_card, cold_reset, reset_engines, open_mixer};
	enum vmsnd_rc rc = VMSND_OK;

	memset(guest, 0, sizeof(*guest));
	guest->conf = *conf;
	for (unsigned i = 0; !rc && i < sizeof(steps) / sizeof(steps[0]); i++)
		rc = steps[i](guest);
	return rc;
}
