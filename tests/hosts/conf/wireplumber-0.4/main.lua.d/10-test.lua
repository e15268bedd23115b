-- SPDX-License-Identifier: BSD-3-Clause
components = {}
local function module(m, a) components[m] = { "libwireplumber-module-" .. m, type = "module", args = a } end
local function script(s, a) components[s] = { s, type = "script/lua", args = a } end

local policy = { ["move"] = true, ["follow"] = true, ["audio.no-dsp"] = false,
                 ["filter.forward-format"] = false, ["duck.level"] = 0.3 }
module("metadata")                                          -- the "default" metadata
script("access/access-default.lua", { rules = {} })
module("default-nodes", { ["use-persistent-storage"] = false, ["auto-echo-cancel"] = false })
module("default-nodes-api")
module("si-node")
module("si-audio-adapter")
module("si-standard-link")
module("si-audio-endpoint")                                 -- policy-node.lua fails without its type
script("create-item.lua", policy)
script("policy-node.lua", policy)
