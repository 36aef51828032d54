import ApusABI
import ApusAssembler
import ApusCollections
import Testing

@testable import ApusOptimizer

/// Moves that happen at once, done one after the other.
@Suite struct ParallelMovesTests {
    /// All ways in which four registers can get the values of four, the scratch register among
    /// them or not.
    @Test(arguments: [UInt8(0), 8, 16])
    func allMovesOfFourRegisters(first: UInt8) {
        for number in 0..<256 {
            var moves = ParallelMoves()
            var steps = Arena<Step>(capacity: 16)
            let sources = (0..<4).map { number >> (2 * $0) & 3 }
            // The scratch register is wanted by an operand, or holds nothing.
            if first == 8, sources[3] == 3 { continue }
            for (to, from) in sources.enumerated() {
                moves.add(
                    PhysicalRegister(first + UInt8(from)), to: PhysicalRegister(first + UInt8(to)))
            }
            moves.resolve(
                into: &steps, vectors: .allVectors, .x86_64)
            var registers = Array(0..<32)
            for index in 0..<steps.count {
                let step = steps[index]
                if step.kind == .exchange {
                    registers.swapAt(step.from.index, step.to.index)
                } else {
                    #expect(step.kind == .move)
                    registers[step.to.index] = registers[step.from.index]
                }
            }
            #expect(
                Array(registers[Int(first)..<Int(first) + 4]) == sources.map { $0 + Int(first) })
            let isEmpty = moves.isEmpty
            #expect(isEmpty)
        }
    }

    /// Slots that are read and written in a ring, with registers at both ends.
    @Test func slotsAreReadBeforeTheyAreWritten() {
        var moves = ParallelMoves()
        var steps = Arena<Step>(capacity: 16)
        moves.add(Step(kind: .copy, index: 1, target: 2))
        moves.add(Step(kind: .copy, index: 2, target: 1))
        moves.add(Step(kind: .load, to: PhysicalRegister(.rax), index: 3))
        moves.add(Step(kind: .store, from: PhysicalRegister(.rcx), index: 3))
        moves.add(PhysicalRegister(.rax), to: PhysicalRegister(.rcx))
        moves.resolve(
            into: &steps, vectors: .allVectors, .x86_64)
        var slots: [UInt32: Int] = [1: 101, 2: 102, 3: 103]
        var registers = Array(0..<32)
        var stack: [Int] = []
        for index in 0..<steps.count {
            let step = steps[index]
            switch step.kind {
            case .move: registers[step.to.index] = registers[step.from.index]
            case .load: registers[step.to.index] = slots[step.index]!
            case .store: slots[step.index] = registers[step.from.index]
            case .copy: slots[step.target] = slots[step.index]
            case .push: stack.append(slots[step.index]!)
            case .pop: registers[step.to.index] = stack.removeLast()
            case .popToFrame: slots[step.target] = stack.removeLast()
            default: Issue.record("\(step.kind)")
            }
        }
        #expect(slots == [1: 102, 2: 101, 3: 1])
        #expect(registers[0] == 103 && registers[1] == 0)
        #expect(stack.isEmpty)
    }
}
