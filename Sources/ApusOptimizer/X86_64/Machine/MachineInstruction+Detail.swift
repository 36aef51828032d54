internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// What the detail of an instruction stands for, by its opcode: each is asked only of those that
/// have it.
extension MachineInstruction {
    @inline(__always) var aluOp: AluOp { AluOp(stored: detail, or: .add) }
    @inline(__always) var shiftOp: ShiftOp { ShiftOp(stored: detail, or: .shl) }
    @inline(__always) var floatOp: FloatOp { FloatOp(stored: detail, or: .add) }
    @inline(__always) var flagTest: FlagTest { FlagTest(stored: detail, or: .test) }
    @inline(__always) var division: DivisionKind { DivisionKind(stored: detail, or: .divideSigned) }
    @inline(__always) var rounding: RoundingMode { RoundingMode(stored: detail, or: .nearest) }
    /// Of what is widened or converted.
    @inline(__always) var sourceWidth: OperandWidth { OperandWidth(stored: detail, or: .w64) }
    @inline(__always) var loadExtension: LoadExtension {
        LoadExtension(stored: detail, or: .full64)
    }
    @inline(__always) var vectorLoad: VectorLoad { VectorLoad(stored: detail, or: .full) }
    @inline(__always) var laneWidth: Width { Width(stored: detail, or: .w8) }
    @inline(__always) var shape: VectorShape { VectorShape(stored: detail, or: .i8x16) }

    /// Of a tail call: bytes of the callee's stack arguments.
    var stackArgumentBytes: Int32 { displacement }
    /// Of a tail call: bytes that are reserved at the top of the stack. What is there of arguments
    /// is only ever moved up, also where the contexts of a `TailFrame` come above it.
    var tailCallRoom: Int32 {
        guard stackArgumentBytes > 0, opcode == .tailCallFar else { return stackArgumentBytes }
        return stackArgumentBytes &+ TailFrame.bytes &- FrameLayout.stackArguments
    }
}
