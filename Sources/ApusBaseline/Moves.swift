internal import ApusABI
internal import ApusCollections

/// One of several moves that happen at once.
struct Move: BitwiseCopyable {
    var destination: PhysicalRegister
    /// The register read; none for anything else.
    var sourceRegister: PhysicalRegister
    var source: Operand

    init(to destination: PhysicalRegister, _ source: Operand, fromFrame: Bool = false) {
        self.destination = destination
        self.source = source
        sourceRegister = source.kind == .register && !fromFrame ? source.register : .none
    }
}

/// Parallel moves: everything reads its source before anything is overwritten.
extension BaselineCompiler {
    /// Adds the move of `operand` into register `destination`, to be done by `resolveMoves`.
    mutating func appendMove(to destination: PhysicalRegister, _ operand: Operand) {
        var move = Move(to: destination, operand)
        if operand.kind == .local { move.sourceRegister = currentHome(operand) }
        moves.append(move)
    }

    mutating func resolveMoves() {
        resolveRegisterMoves()
        for index in 0..<moves.count where moves[index].sourceRegister.isNone {
            load(moves[index].source, into: moves[index].destination)
        }
        moves.removeAll()
    }

    private mutating func resolveRegisterMoves() {
        var pending: UInt64 = 0
        for index in 0..<moves.count {
            let move = moves[index]
            if !move.sourceRegister.isNone, move.sourceRegister != move.destination {
                pending |= 1 &<< UInt64(index)
            }
        }
        while pending != 0 {
            var sources: RegisterSet = []
            var rest = pending
            while rest != 0 {
                sources.insert(RegisterSet(moves[rest.trailingZeroBitCount].sourceRegister))
                rest &= rest &- 1
            }
            var progressed = false
            rest = pending
            while rest != 0 {
                let index = rest.trailingZeroBitCount
                rest &= rest &- 1
                let move = moves[index]
                if !sources.has(move.destination) {
                    self.move(move.destination, move.sourceRegister)
                    pending &= ~(1 &<< UInt64(index))
                    progressed = true
                }
            }
            if !progressed { breakCycle(&pending) }
        }
    }

    /// All destinations are still to be read: exchange two registers, or go through the scratch.
    private mutating func breakCycle(_ pending: inout UInt64) {
        let index = pending.trailingZeroBitCount
        let move = moves[index]
        pending &= ~(1 &<< UInt64(index))
        var rest = pending
        if move.source.type.isInVector {
            let scratch = Self.registers.vectorScratch
            self.move(scratch, move.destination)
            self.move(move.destination, move.sourceRegister)
            while rest != 0 {
                let other = rest.trailingZeroBitCount
                rest &= rest &- 1
                if moves[other].sourceRegister == move.destination {
                    moves[other].sourceRegister = scratch
                }
            }
        } else {
            exchange(move.destination, move.sourceRegister)
            while rest != 0 {
                let other = rest.trailingZeroBitCount
                rest &= rest &- 1
                if moves[other].sourceRegister == move.destination {
                    moves[other].sourceRegister = move.sourceRegister
                } else if moves[other].sourceRegister == move.sourceRegister {
                    moves[other].sourceRegister = move.destination
                }
                if moves[other].sourceRegister == moves[other].destination {
                    pending &= ~(1 &<< UInt64(other))
                }
            }
        }
    }
}
