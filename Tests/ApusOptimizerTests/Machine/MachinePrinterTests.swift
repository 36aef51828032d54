import ApusCollections
import ApusIR
import Testing

@testable import ApusOptimizer

/// What machine functions look like as text.
@Suite struct MachinePrinterTests {
    @Test func showsInstructionsAndRegisters() throws {
        let function = try Function(
            text: """
                function (i32, i32) -> (i32)
                block0(v0: i32, v1: i32):
                  v2: i32 = add v0, v1
                  v3: i32 = divideUnsigned v2, v1 @7
                  return (v3)

                """)
        var generator = CodeGenerator()
        let isPrepared = generator.prepare(function, as: 0)
        #expect(isPrepared)
        let text = generator.selector.machine.text(generator.allocation, for: X86_64.self)
        let lines = text.split(separator: "\n")
        #expect(lines.first == "block0():")
        #expect(lines.contains { $0.contains(" = parameters.") && $0.contains(":rdi") })
        #expect(lines.contains { $0.contains(" = add.w32 ") })
        #expect(lines.contains { $0.contains("divide.w32") && $0.hasSuffix(" @7") })
        #expect(lines.last?.hasPrefix("  return.") == true)
        // One line for each step, and one for each block.
        let machine = generator.selector.machine.blocks.count
        let steps = generator.allocation.steps.count
        #expect(lines.count == machine + steps)
    }
}
