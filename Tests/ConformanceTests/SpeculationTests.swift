@_spi(ApusCLI) import Apus
import ApusCollections
import ApusText
import Testing

/// What a processor does before it knows that an index is wrong: the code of both compilers masks
/// indices of tables and has no branch for those of `br_table`.
@Suite struct SpeculationTests {
    private static let text = """
        (module
          (type $nothing (func))
          (table 10 funcref)
          (func (export "call") (param i32) (call_indirect (type $nothing) (local.get 0)))
          (func (export "get") (param i32) (result funcref) (table.get (local.get 0)))
          (func (export "set") (param i32) (table.set (local.get 0) (ref.null func)))
          (func (export "branch") (param i32) (result i32)
            (block (block (block (br_table 0 1 2 (local.get 0)))
              (return (i32.const 10))) (return (i32.const 11)))
            (i32.const 12)))
        """

    private func listing(
        _ name: String, _ compiler: Engine.Compiler, of text: String = Self.text,
        _ change: (inout Engine.Configuration) -> Void = { _ in }
    ) throws -> [Substring] {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        change(&configuration)
        let bytes = ByteStorage(try TextFormat.parseModule(text))
        return try ModuleInspection(bytes, configuration)
            .text(name, at: .assembly).split(separator: "\n")
    }

    @Test(arguments: Engine.Compiler.allCases, ["call", "get", "set"])
    func indicesOfTablesAreMasked(compiler: Engine.Compiler, name: String) throws {
        let lines = try listing(name, compiler)
        let check = try #require(lines.firstIndex { $0.contains("jae ") })
        let mask = try #require(lines[check...].firstIndex { $0.contains(" cmov") })
        // What is found by the index comes behind the mask.
        let access = try #require(lines[check...].firstIndex { $0.contains("+ 8*r") })
        #expect(mask < access)
    }

    @Test(arguments: Engine.Compiler.allCases)
    func tablesOfBranchesHaveNoBranchForTheIndex(compiler: Engine.Compiler) throws {
        let lines = try listing("branch", compiler)
        let jump = try #require(lines.firstIndex { $0.contains("jmp r") })
        #expect(lines[..<jump].contains { $0.contains(" cmov") })
        for line in lines[..<jump] where !line.contains("@0 ") {
            #expect(!line.contains(" ja ") && !line.contains(" jae ") && !line.contains(" jb "))
        }
    }

    // MARK: Memories

    /// Accesses whose address is compared, and how many comparisons there are.
    struct CheckedAccess: CustomTestStringConvertible {
        var name: String
        var memory: String
        var body: String
        var checks = 1
        /// Of the baseline compiler, if it makes another number of them.
        var baselineChecks: Int?
        var alwaysChecksBounds = false

        var testDescription: String { name }

        var text: String {
            "(module (memory \(memory)) (func (export \"f\") (param $x i32) (param $y i64) "
                + "(param $v v128) (result i64) \(body)))"
        }
    }

    static let accesses: [CheckedAccess] = [
        .init(name: "64 bits", memory: "i64 1", body: "(i64.load offset=8 (local.get $y))"),
        .init(
            name: "64 bits, far", memory: "i64 1",
            body: "(i64.load offset=0x100000000 (local.get $y))", checks: 2),
        .init(
            name: "64 bits, bytes", memory: "i64 100 1000 (pagesize 1)",
            body: "(i64.load offset=8 (local.get $y))"),
        .init(
            name: "far", memory: "1", body: "(i64.load offset=0x80000000 (local.get $x))",
            baselineChecks: 2),
        .init(
            name: "bytes", memory: "100 (pagesize 1)",
            body: "(i64.load offset=8 (local.get $x))"),
        .init(
            name: "checked", memory: "1", body: "(i64.load offset=8 (local.get $x))",
            alwaysChecksBounds: true),
        .init(
            name: "at a constant", memory: "1", body: "(i64.load offset=8 (i32.const 65536))",
            alwaysChecksBounds: true),
        .init(
            name: "store", memory: "1",
            body: "(i64.store offset=8 (local.get $x) (local.get $y)) (local.get $y)",
            alwaysChecksBounds: true),
        .init(
            name: "vector", memory: "1",
            body: "(v128.store offset=8 (local.get $x) (local.get $v)) (local.get $y)",
            alwaysChecksBounds: true),
        .init(
            name: "imported", memory: "$m (import \"m\" \"m\") 1",
            body: "(i64.load offset=8 (local.get $x))", alwaysChecksBounds: true),
    ]

    private func listing(
        _ access: CheckedAccess, _ compiler: Engine.Compiler, masks: Bool
    ) throws -> [Substring] {
        try listing("f", compiler, of: access.text) { configuration in
            configuration.alwaysChecksBounds = access.alwaysChecksBounds
            configuration.masksCheckedAccesses = masks
        }
    }

    @Test(arguments: Engine.Compiler.allCases, accesses)
    func addressesThatAreComparedAreMasked(
        compiler: Engine.Compiler, access: CheckedAccess
    ) throws {
        let lines = try listing(access, compiler, masks: true)
        let checks = lines.indices.filter { index in
            [" ja ", " jae ", " jb "].contains { lines[index].contains($0) }
        }
        // The check of the stack is none of them.
        let masks = lines.indices.filter { lines[$0].contains(" cmov") }
        let expected = compiler == .baseline ? access.baselineChecks : nil
        #expect(masks.count == expected ?? access.checks, "\(access.name)")
        let check = try #require(checks.last { $0 < masks[masks.count - 1] })
        #expect(check < masks[masks.count - 1])
        let plain = try listing(access, compiler, masks: false)
        #expect(!plain.contains { $0.contains(" cmov") })
        #expect(plain.count < lines.count)
    }

    /// Nothing that is left to the processor is masked.
    @Test(arguments: Engine.Compiler.allCases)
    func whatIsNotComparedIsNotMasked(compiler: Engine.Compiler) throws {
        let access = CheckedAccess(
            name: "plain", memory: "1", body: "(i64.load offset=8 (local.get $x))")
        let masked = try listing(access, compiler, masks: true)
        #expect(masked == (try listing(access, compiler, masks: false)))
    }
}
