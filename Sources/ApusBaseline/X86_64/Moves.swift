internal import ApusABI
internal import ApusAssembler
internal import ApusCollections

/// One of several moves that happen at once.
struct Move: BitwiseCopyable {
    /// 0 to 15 a general register, 16 to 31 a vector register.
    var destination: UInt8
    /// The register read, numbered likewise; `memory` for anything else.
    var sourceRegister: UInt8
    var source: Operand

    static var memory: UInt8 { 0xFF }

    init(to destination: UInt8, _ source: Operand, fromFrame: Bool = false) {
        self.destination = destination
        self.source = source
        if source.kind == .register, !fromFrame {
            sourceRegister =
                source.type.isInVector ? source.float.rawValue | 16 : source.general.rawValue
        } else {
            sourceRegister = Self.memory
        }
    }
}

/// Parallel moves: everything reads its source before anything is overwritten.
extension BaselineCompiler {
    /// Adds the move of `operand` into register `destination`, to be done by `resolveMoves`.
    mutating func appendMove(to destination: UInt8, _ operand: Operand) {
        var move = Move(to: destination, operand)
        if operand.kind == .local {
            let home = locals[Int(operand.index)]
            if home.inRegister, homeState.valid & home.bit != 0 {
                move.sourceRegister = home.register
            }
        }
        moves.append(move)
    }

    mutating func resolveMoves() {
        resolveRegisterMoves()
        for index in 0..<moves.count where moves[index].sourceRegister == Move.memory {
            loadMove(moves[index])
        }
        moves.removeAll()
    }

    private mutating func resolveRegisterMoves() {
        var pending: UInt64 = 0
        for index in 0..<moves.count {
            let move = moves[index]
            if move.sourceRegister != Move.memory, move.sourceRegister != move.destination {
                pending |= 1 &<< UInt64(index)
            }
        }
        while pending != 0 {
            var sources: UInt32 = 0
            var rest = pending
            while rest != 0 {
                sources |= 1 &<< UInt32(moves[rest.trailingZeroBitCount].sourceRegister)
                rest &= rest &- 1
            }
            var progressed = false
            rest = pending
            while rest != 0 {
                let index = rest.trailingZeroBitCount
                rest &= rest &- 1
                let move = moves[index]
                if sources & (1 &<< UInt32(move.destination)) == 0 {
                    emitRegisterMove(move)
                    pending &= ~(1 &<< UInt64(index))
                    progressed = true
                }
            }
            if !progressed { breakCycle(&pending) }
        }
    }

    private mutating func emitRegisterMove(_ move: Move) {
        if move.destination >= 16 {
            code.move(xmm(move.destination), xmm(move.sourceRegister))
        } else {
            code.move(.w64, gpr(move.destination), gpr(move.sourceRegister))
        }
    }

    /// All destinations are still to be read: exchange two registers, or go through the scratch.
    private mutating func breakCycle(_ pending: inout UInt64) {
        let index = pending.trailingZeroBitCount
        let move = moves[index]
        pending &= ~(1 &<< UInt64(index))
        var rest = pending
        if move.destination >= 16 {
            code.move(CallingConvention.floatScratch, xmm(move.destination))
            emitRegisterMove(move)
            while rest != 0 {
                let other = rest.trailingZeroBitCount
                rest &= rest &- 1
                if moves[other].sourceRegister == move.destination {
                    moves[other].sourceRegister = CallingConvention.floatScratch.rawValue | 16
                }
            }
        } else {
            code.exchange(.w64, gpr(move.destination), gpr(move.sourceRegister))
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

    private mutating func loadMove(_ move: Move) {
        if move.destination >= 16 {
            load(move.source, into: xmm(move.destination))
        } else {
            load(move.source, into: gpr(move.destination))
        }
    }

    @inline(__always) func gpr(_ number: UInt8) -> GPR { GPR(lowBits: number) }
    @inline(__always) func xmm(_ number: UInt8) -> XMM { XMM(lowBits: number) }
}
