import Apus
import ApusTestSupport
import Testing

/// Chains of tail calls of each kind, within an instance and between two of them, with arguments of
/// all types in registers and on the stack: each function passes some of its parameters on, and the
/// last one tells what has arrived. They do it a thousand times, while their caller keeps values of
/// its own.
@Suite struct TailArgumentTests {
    @Test(arguments: 0..<36, Compilation.allCases)
    func arriveInOrder(seed: Int, compilation: Compilation) throws {
        var configuration = compilation.configuration
        if compilation == .optimizing, seed % 4 == 3 {
            configuration.compiler = .tiered
            configuration.tiering.threshold = 100
            configuration.tiering.isSynchronous = seed % 8 == 3
        }
        configuration.isFuelMetered = seed % 4 == 1
        configuration.collectsAtEachAllocation = seed % 3 == 0
        let engine = Engine(configuration)
        let store = Store(engine)
        if configuration.isFuelMetered { store.fuel = 1 << 40 }
        let chain = TailChain(seed: UInt64(seed))
        let module = try Module(engine, text: chain.text(module: 0))
        let first = try Instance(store, module)
        var linker = Linker(engine)
        for item in module.exports {
            linker.define("A", item.name, try #require(try first.export(item.name)))
        }
        let second = try linker.instantiate(Module(engine, text: chain.text(module: 1)), in: store)
        let instance = chain.modules[0] == 0 ? first : second
        for count in [1, configuration.collectsAtEachAllocation ? 5 : 1000] as [Int32] {
            let results = try instance.function("run").call(.i32(count))
            #expect(
                results.map { ReferenceValue($0) } == [ReferenceValue(.i64(chain.expected))],
                "\(chain)")
        }
    }
}

/// Functions of which each leaves for the next one, in two modules.
private struct TailChain: CustomStringConvertible {
    /// What parameters may be: numbers, vectors and structures.
    enum Kind: String, CaseIterable {
        case i64, f64, i32, f32, v128
        case box = "(ref $box)"
    }

    /// How a function is left.
    enum Hop: CaseIterable {
        case direct, indirect, reference
    }

    private(set) var parameters: [[Kind]] = []
    private(set) var modules: [Int] = []
    private(set) var hops: [Hop] = []
    /// Of each function, the values of its parameters.
    private var values: [[Int]] = []
    /// Of each parameter, the one of the function before that it is; nil if it is a constant.
    private var sources: [[Int?]] = []
    private let extraResults: Int
    /// Whether the last one throws what it has to tell, which nobody before may catch.
    private let throwsResult: Bool

    init(seed: UInt64) {
        var choices = ChoiceSource(seed: seed)
        extraResults = choices.pick([0, 0, 5, 9])
        throwsResult = choices.chance(25)
        let only = choices.chance(30) ? choices.pick(Kind.allCases) : nil
        for index in 0..<2 + choices.below(6) {
            let count = choices.pick([0, 2, 8, 9, 12, 17, 24])
            let kinds = (0..<count).map { _ in only ?? choices.pick(Kind.allCases) }
            var taken: [Int?] = []
            for kind in kinds {
                let before = index == 0 ? [] : parameters[index - 1]
                let candidates = before.indices.filter { before[$0] == kind }
                taken.append(
                    candidates.isEmpty || choices.chance(20) ? nil : choices.pick(candidates))
            }
            let previous = values.last ?? []
            values.append(
                taken.enumerated().map { place, source in
                    source.map { previous[$0] } ?? index * 100 + place + 1
                })
            parameters.append(kinds)
            sources.append(taken)
            modules.append(choices.below(2))
            hops.append(choices.pick(Hop.allCases))
        }
    }

    var description: String { "\(parameters), modules \(modules), \(hops)" }

    private var last: Int { parameters.count - 1 }

    /// What `run` gives.
    var expected: Int64 {
        var hash: Int64 = 17
        for (kind, value) in zip(parameters[last], values[last]) {
            hash = hash &* 31 &+ Self.word(kind, value)
        }
        hash &+= Self.secret(modules[last])
        return hash &+ Self.secret(modules[0]) &+ Int64(Self.kept.reduce(0, +))
    }

    private static func secret(_ module: Int) -> Int64 { module == 0 ? 1_000_000 : 2_000_000 }
    private static let kept = Array(41..<53)

    private static func word(_ kind: Kind, _ value: Int) -> Int64 {
        switch kind {
        case .i64, .i32, .box: Int64(value)
        case .f64: Int64(bitPattern: Double(value).bitPattern)
        case .f32: Int64(Float(value).bitPattern)
        case .v128: Int64(value) ^ Int64(value << 20)
        }
    }

    // MARK: Text

    private static func constant(_ kind: Kind, _ value: Int) -> String {
        switch kind {
        case .v128: "(v128.const i64x2 \(value) \(value << 20))"
        case .box: "(struct.new $box (i64.const \(value)))"
        default: "(\(kind).const \(value))"
        }
    }

    private static func word(_ kind: Kind, of operand: String) -> String {
        switch kind {
        case .i64: operand
        case .f64: "(i64.reinterpret_f64 \(operand))"
        case .i32: "(i64.extend_i32_u \(operand))"
        case .f32: "(i64.extend_i32_u (i32.reinterpret_f32 \(operand)))"
        case .v128:
            "(i64.xor (i64x2.extract_lane 0 \(operand)) (i64x2.extract_lane 1 \(operand)))"
        case .box: "(struct.get $box 0 \(operand))"
        }
    }

    private var results: String {
        "(result i64\(String(repeating: " f64 i64", count: extraResults)))"
    }
    private var extraConstants: String {
        String(repeating: "(f64.const 0.5) (i64.const 3)", count: extraResults)
    }

    func text(module: Int) -> String {
        let types = parameters.indices.map { index in
            "(type $t\(index) (func (param \(list(index))) \(results)))"
        }
        let own = parameters.indices.filter { modules[$0] == module }
        let imports = parameters.indices.filter { module == 1 && modules[$0] == 0 }.map {
            "(import \"A\" \"f\($0)\" (func $f\($0) (type $t\($0))))"
        }
        let shared =
            module == 0
            ? "(table $table (export \"t\") 16 funcref) (tag $e (export \"e\") (param i64))"
            : """
            (import "A" "t" (table $table 16 funcref)) (import "A" "e" (tag $e (param i64)))
            """
        return """
            (module
              (type $box (struct (field i64)))
              \(types.joined(separator: "\n"))
              \(imports.joined(separator: "\n"))
              \(shared)
              (global $secret i64 (i64.const \(Self.secret(module))))
              \(own.map { "(elem (table $table) (i32.const \($0)) func $f\($0))" }.joined())
              \(own.map(function).joined(separator: "\n"))
              \(modules[0] == module ? run : ""))
            """
    }

    private func list(_ index: Int) -> String {
        parameters[index].map(\.rawValue).joined(separator: " ")
    }

    private func function(_ index: Int) -> String {
        let body = index == last ? lastBody : hop(from: index)
        return """
            (func $f\(index) (export "f\(index)") (type $t\(index)) (local $h i64)
              \(body))
            """
    }

    /// A structure is made before the parameters are read.
    private var lastBody: String {
        let terms = parameters[last].enumerated().map { place, kind in
            """
            (local.set $h (i64.add (i64.mul (local.get $h) (i64.const 31))
              \(Self.word(kind, of: "(local.get \(place))"))))
            """
        }
        return """
            (local.set $h (struct.get $box 0 (struct.new $box (i64.const 17))))
            \(terms.joined(separator: "\n"))
            (local.set $h (i64.add (local.get $h) (global.get $secret)))
            \(throwsResult ? "(throw $e (local.get $h))" : "(local.get $h) \(extraConstants)")
            """
    }

    private func hop(from index: Int) -> String {
        let next = index + 1
        let arguments = sources[next].enumerated().map { place, source in
            source.map { "(local.get \($0))" }
                ?? Self.constant(parameters[next][place], values[next][place])
        }.joined(separator: " ")
        let isKnown = modules[index] == modules[next] || modules[index] == 1
        let call =
            switch isKnown ? hops[index] : hops[index] == .direct ? .indirect : hops[index] {
            case .direct: "(return_call $f\(next) \(arguments))"
            case .indirect:
                "(return_call_indirect $table (type $t\(next)) \(arguments) (i32.const \(next)))"
            case .reference:
                """
                (return_call_ref $t\(next) \(arguments)
                  (ref.cast (ref $t\(next)) (table.get $table (i32.const \(next)))))
                """
            }
        return index % 2 == 0
            ? call : "(block $caught (try_table (catch_all $caught) \(call))) (unreachable)"
    }

    /// Calls the first function as often as it is told, and keeps values meanwhile.
    private var run: String {
        let arguments = zip(parameters[0], values[0]).map { Self.constant($0, $1) }
        let locals = Self.kept.indices.map { "(local $k\($0) i64)" }.joined()
        let sets = Self.kept.enumerated().map { place, value in
            "(local.set $k\(place) (i64.load (i32.const \(8 * place))))"
                + "(local.set $k\(place) (i64.add (local.get $k\(place)) (i64.const \(value))))"
        }
        let sum = Self.kept.indices.map { "(i64.add (local.get $k\($0)))" }
        return """
            (memory 1)
            (func (export "run") (param $n i32) (result i64) (local $h i64) \(locals)
              \(sets.joined(separator: "\n"))
              (loop $again
                (block $caught (result i64)
                  (try_table (catch $e $caught)
                    (call $f0 \(arguments.joined(separator: " ")))
                    \(String(repeating: "drop drop ", count: extraResults))
                    (br $caught))
                  (unreachable))
                (local.set $h)
                (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                (br_if $again (local.get $n)))
              (local.get $h) (i64.add (global.get $secret))
              \(sum.joined(separator: " ")))
            """
    }
}
