import Apus
import ApusTestSupport
import Testing

/// Functions in which accesses to a memory alternate with its growth, by the function itself, by
/// functions that it calls, and by the host: none may go on with what it knew before.
@Suite struct GrowthTests {
    /// A function in the making, and what it must give.
    private struct Program {
        let is64: Bool
        var body = ""
        var pages: UInt64 = 1
        var written: [UInt64: UInt32] = [:]
        var sum: UInt32 = 0
        static let most: UInt64 = 12

        init(is64: Bool) { self.is64 = is64 }

        private var index: String { is64 ? "i64" : "i32" }

        private mutating func add(_ code: String, _ value: UInt32) {
            let code32 = is64 && !code.contains("load") ? "(i32.wrap_i64 \(code))" : code
            body += "(local.set 0 (i32.add (i32.mul (local.get 0) (i32.const 31)) \(code32)))\n"
            sum = sum &* 31 &+ value
        }

        mutating func grow(_ choices: inout ChoiceSource) {
            let delta = UInt64(choices.below(3))
            let argument = "(\(index).const \(delta))"
            let ways = [
                "(memory.grow \(argument))", "(call $grow \(argument))",
                "(call_indirect (type $growing) \(argument) (i32.const 0))",
                "(call $host \(argument))",
            ]
            let fits = pages + delta <= Self.most
            add(choices.pick(ways), fits ? UInt32(pages) : .max)
            if fits { pages += delta }
        }

        /// The first or last word of any page there is.
        private func address(_ choices: inout ChoiceSource) -> UInt64 {
            let page = UInt64(choices.below(Int(pages))) << 16
            return choices.chance(50) ? page : page + 65532
        }

        mutating func store(_ choices: inout ChoiceSource) {
            let address = address(&choices)
            let value = UInt32(truncatingIfNeeded: choices.bits64())
            body += "(i32.store (\(index).const \(address)) (i32.const \(value)))\n"
            written[address] = value
        }

        mutating func load(_ choices: inout ChoiceSource) {
            let address = address(&choices)
            add("(i32.load (\(index).const \(address)))", written[address] ?? 0)
        }

        mutating func size() { add("(memory.size)", UInt32(pages)) }

        var text: String {
            """
            (module
              (type $growing (func (param \(index)) (result \(index))))
              (import "host" "grow" (func $host (type $growing)))
              (memory (export "memory") \(index) 1 \(Self.most))
              (table 1 funcref) (elem (i32.const 0) $grow)
              (func $grow (type $growing) (memory.grow (local.get 0)))
              (func (export "run") (result i32) (local i32)
                \(body)
                (local.get 0))
              (func (export "beyond") (result i32)
                (i32.load (\(index).const \((pages << 16) - 3)))))
            """
        }
    }

    @Test(arguments: [false, true], [false, true])
    func nothingGoesStale(is64: Bool, alwaysChecks: Bool) throws {
        var configuration = Engine.Configuration()
        configuration.alwaysChecksBounds = alwaysChecks
        let engine = Engine(configuration)
        for seed in 0..<60 as Range<UInt64> {
            var choices = ChoiceSource(seed: seed)
            var program = Program(is64: is64)
            for _ in 0..<40 {
                switch choices.below(4) {
                case 0: program.grow(&choices)
                case 1: program.store(&choices)
                case 2: program.load(&choices)
                default: program.size()
                }
            }
            let store = Store(engine)
            var linker = Linker(engine)
            if is64 {
                linker.define("host", "grow") { (caller, pages: Int64) -> Int64 in
                    Int64(try caller.memory.grow(by: Int(pages)) ?? -1)
                }
            } else {
                linker.define("host", "grow") { (caller, pages: Int32) -> Int32 in
                    Int32(try caller.memory.grow(by: Int(pages)) ?? -1)
                }
            }
            let module = try Module(engine, text: program.text)
            let instance = try linker.instantiate(module, in: store)
            let result = try instance.function("run", as: (() -> Int32).self)()
            #expect(UInt32(bitPattern: result) == program.sum, "seed \(seed)")
            #expect(try instance.memory.pageCount == Int(program.pages))
            #expect(store.statistics.memoryBytes == program.pages << 16)
            let beyond = #expect(throws: Trap.self) {
                try instance.function("beyond", as: (() -> Int32).self)()
            }
            #expect(beyond?.code == .memoryOutOfBounds)
        }
    }
}
