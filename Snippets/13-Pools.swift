// Pools: who finds all guests busy waits for one, without a thread.

import Apus
import ApusSandbox

let engine = Engine()
let module = try Module(
    engine,
    text: """
        (module
          (memory (export "memory") 1)
          (func (export "square") (param i32) (result i32)
            (i32.mul (local.get 0) (local.get 0))))
        """)

// Sandboxes, which are used again:
let sandboxes = SandboxPool(SandboxTemplate(module), count: 2)
let squares = try await withThrowingTaskGroup(of: Int.self) { group in
    for number in 1...5 {
        group.addTask {
            try await sandboxes.withSandbox { sandbox in
                try await sandbox.call("square", number, as: Int.self)
            }
        }
    }
    var sum = 0
    for try await square in group { sum += square }
    return sum
}
print(squares)

// Instances, each for one use:
let instances = InstancePool(try Linker(engine).prepare(module), count: 2)
let result = try await instances.withInstance { instance in
    try instance.function("square", as: ((Int32) -> Int32).self)(12)
}
print(result)
