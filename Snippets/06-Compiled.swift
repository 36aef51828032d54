// A module is compiled once and kept: by hand, and in a cache.

import Apus

let engine = Engine()
let module = try Module(engine, text: "(module (func (export \"seven\") (result i32) (i32.const 7)))")

try module.serialize(to: "/tmp/seven.apus")
let again = try Module(engine, precompiledAt: "/tmp/seven.apus")
let instance = try Instance(Store(engine), again)
print(try instance.function("seven", as: (() -> Int32).self)())

var configuration = Engine.Configuration()
configuration.cache = Cache(directory: "/tmp/apus-snippet-cache")
for _ in 0..<2 {
    let kept = try Module(Engine(configuration), text: "(module (func (export \"eight\")))")
    print(kept.statistics.isPrecompiled ? "found" : "compiled")
}
try configuration.cache?.clear()
