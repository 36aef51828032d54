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

    private func listing(_ name: String, _ compiler: Engine.Compiler) throws -> [Substring] {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        let bytes = ByteStorage(try TextFormat.parseModule(Self.text))
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
}
