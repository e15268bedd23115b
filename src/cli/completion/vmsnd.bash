# SPDX-License-Identifier: BSD-3-Clause
# Completion of vmsnd for bash. What can be known is asked of vmsnd itself: subcommands and options
# of its help, and everything behind "ctl" of "vmsnd ctl --complete", which asks the program that
# runs where its socket is known (--socket, or VMSND_CONTROL).

# The words up to the cursor, with those together that bash takes apart at ':' and '='.
_vmsnd_words()
{
	local word

	words=()
	for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
		if ((${#words[@]} > 1)) && { [[ $word == [:=]* ]] || [[ ${words[-1]} == *[:=] ]]; }; then
			# Only what stood together on the line.
			if [[ $COMP_LINE == *"${words[-1]}$word"* ]]; then
				words[-1]+=$word
				continue
			fi
		fi
		words+=("$word")
	done
}

# Takes lines; offers those that go on from the word at the cursor.
_vmsnd_offer()
{
	local line cur=${words[-1]} cut=

	# bash replaces what is behind the last of these only.
	[[ $cur == *[:=]* && $COMP_WORDBREAKS == *[:=]* ]] && cut=${cur%"${cur##*[:=]}"}
	while IFS= read -r line; do
		[[ $line == "$cur"* ]] || continue
		line=${line#"$cut"}
		COMPREPLY+=("$(printf '%q' "$line")")
	done
}

_vmsnd_files()
{
	local cur=${words[-1]}

	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -f -- "${cur##*=}")
}

# The names that a list of vmsnd has at the beginning of lines.
_vmsnd_list()
{
	"${words[0]}" "$1" 2>/dev/null | sed -n 's/^\([a-z][a-z0-9_-]*\)$/\1/p'
}

# Only what a help's own lines begin with: there are other programs' options in its examples.
_vmsnd_options()
{
	"${words[0]}" "${words[1]}" --help 2>/dev/null | sed '/^Example/q' |
		grep -oE '^ {2,6}(-[A-Za-z], )?--[a-z-]+(, --[a-z-]+)*' | grep -oE -- '--[a-z-]+'
	printf '%s\n' --help
}

_vmsnd_ctl()
{
	local found

	found=$("${words[0]}" ctl --complete "${words[@]:2}" 2>/dev/null)
	if [[ $found == :files ]]; then
		_vmsnd_files
	else
		_vmsnd_offer <<<"$found"
	fi
}

_vmsnd()
{
	local words previous

	COMPREPLY=()
	_vmsnd_words
	previous=${words[-2]}
	if ((${#words[@]} == 2)); then
		_vmsnd_offer < <("${words[0]}" --help 2>/dev/null |
			sed -n '/^  vmsnd/q; s/^  \([a-z][a-z-]*\)  *[^ ].*/\1/p'
			printf '%s\n' --help --version)
	elif [[ ${words[1]} == ctl ]]; then
		_vmsnd_ctl
	elif [[ ${words[1]} == config ]] && ((${#words[@]} == 3)); then
		_vmsnd_offer < <(printf '%s\n' check show --help)
	elif [[ $previous == --device || $previous == -d ]]; then
		_vmsnd_offer < <(_vmsnd_list devices)
	elif [[ $previous == --backend || $previous == -b ]]; then
		_vmsnd_offer < <(_vmsnd_list backends)
	elif [[ $previous == --driver ]]; then
		_vmsnd_offer < <(_vmsnd_list drivers)
	elif [[ ${words[-1]} == -* && ${words[2]} == check ]]; then
		_vmsnd_offer < <(printf '%s\n' --set --help)
	elif [[ ${words[-1]} == -* ]]; then
		_vmsnd_offer < <(_vmsnd_options)
	elif [[ ${words[1]} == check ]]; then
		_vmsnd_offer < <(_vmsnd_list backends)
	else
		_vmsnd_files
	fi
}

complete -F _vmsnd vmsnd
