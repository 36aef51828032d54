import Apus
import ApusFormat
import ApusTestSupport
import Testing

/// Generated programs that are interrupted wherever they happen to be: what they do until then, and
/// all that they do if they are not, is what they do when they are left alone.
///
/// `APUS_INTERRUPTIONS` is the number of programs, `APUS_INTERRUPTIONS_SEED` the first seed.
@Suite struct InterruptionTests {
    /// A generated module on an engine, with what it imports.
    private struct Guest {
        let module: DecodedModule
        let instance: Instance
        let refuel: Function?

        /// Nil if the module traps while it starts, or needs another one.
        init?(_ generated: GeneratedModule, _ compiled: Module) throws {
            module = try ValidModule.decode(generated.bytes)
            let store = Store(compiled.engine)
            if compiled.engine.configuration.isFuelMetered { store.fuel = 1 << 40 }
            var linker = Linker(compiled.engine)
            for item in module.imports {
                guard case .function(let index) = item.type else { return nil }
                let type = module.types.function(Int(index))
                let body = GeneratedImports.body(item.name, type)
                linker.define(
                    item.module, item.name, try GeneratedImports.function(store, type, body))
            }
            do {
                instance = try linker.instantiate(compiled, in: store)
            } catch is Trap {
                return nil
            }
            refuel = try generated.refuel.map(instance.function)
        }

        func call(_ name: String, _ arguments: [ReferenceValue]) throws -> Outcome {
            let function = try instance.function(name)
            return Outcome {
                _ = try refuel?.call([])
                return try function.call(arguments.map { Value($0) }).map { ReferenceValue($0) }
            }
        }

        /// All that outlives a call.
        func state() throws -> [String] {
            var state: [String] = []
            for export in try instance.exports {
                switch export.item {
                case .function, .tag: continue
                case .global(let global):
                    state.append("\(export.name): \(ReferenceValue(try global.value).canonical)")
                case .table(let table):
                    for index in 0..<table.count {
                        let value = ReferenceValue(try table.get(index))
                        state.append("\(export.name), \(index): \(value)")
                    }
                case .memory(let memory):
                    let bytes = try memory.read(at: 0, count: memory.byteCount)
                    state.append("\(export.name): \(bytes.count) bytes, \(bytes.hashValue)")
                }
            }
            return state
        }
    }

    private struct Counts {
        var finished = 0
        var interrupted = 0
        /// Programs that came to their end undisturbed.
        var compared = 0
    }

    private static let interrupted = Outcome.trap(TrapCode.interrupted.description)
    private static let exhausted = Outcome.trap(TrapCode.stackExhausted.description)

    /// Interrupts the calls of one program, each after another time; compares those that end.
    private func disturb(_ seed: Int, _ engine: Engine, _ counts: inout Counts) throws {
        var generated = GeneratedModule(seed: UInt64(seed))
        let compiled = try Module(engine, bytes: generated.bytes)
        guard let calm = try Guest(generated, compiled),
            let disturbed = try Guest(generated, compiled)
        else { return }
        var random = ChoiceSource(seed: UInt64(seed) &+ 1)
        var isComparable = true
        for export in calm.module.exports {
            guard case .function(let index) = export.item, export.name != generated.refuel else {
                continue
            }
            let type = calm.module.functionType(Int(index))
            let arguments = type.parameters.map { generated.choices.argument($0) }
            let expected = try calm.instance.store.withDeadline(.milliseconds(100)) {
                try calm.call(export.name, arguments)
            }
            if expected == Self.interrupted { return }
            let wait = Duration.microseconds(random.below(300))
            let found = try disturbed.instance.store.withDeadline(wait) {
                try disturbed.call(export.name, arguments)
            }
            if found == Self.interrupted {
                // Where it was left nobody knows, but it is whole: it can be read, and goes on.
                counts.interrupted += 1
                _ = try disturbed.state()
                let again = try disturbed.instance.store.withDeadline(.seconds(30)) {
                    try disturbed.call(export.name, arguments)
                }
                #expect(again != Self.interrupted, "seed \(seed): \(export.name)")
                return
            }
            counts.finished += 1
            // What recursion has left behind depends on how much stack the thread had.
            if expected == Self.exhausted { isComparable = false }
            if !isComparable { continue }
            #expect(found == expected, "seed \(seed): \(export.name)")
        }
        if !isComparable { return }
        counts.compared += 1
        #expect(try disturbed.state() == calm.state(), "seed \(seed)")
    }

    @Test(arguments: [false, true], Engine.Interruption.allCases)
    func anyProgramAtAnyTime(isMetered: Bool, _ interruption: Engine.Interruption) throws {
        var configuration = Engine.Configuration()
        configuration.interruption = interruption
        configuration.isFuelMetered = isMetered
        let engine = Engine(configuration)
        let count = TestEnvironment.number("APUS_INTERRUPTIONS", standard: 200)
        let first = TestEnvironment.number("APUS_INTERRUPTIONS_SEED", standard: 0)
        var counts = Counts()
        for seed in first..<first + count { try disturb(seed, engine, &counts) }
        #expect(counts.interrupted > 0)
        #expect(counts.finished > 0)
        #expect(counts.compared > 0)
    }
}
