internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// Vectors (4.6.8): the operators carry the instruction's own number.
extension FunctionTranslator {
    mutating func translateVectorConst() { push(builder.constant(readVector())) }

    mutating func translateVectorStore() {
        let argument = reader.readMemoryArgument()
        let value = pop()
        guard let address = memoryAddress(pop(), argument, bytes: 16) else { return }
        builder.store(value, Self.access(.full), address.base, address.index, address.displacement)
    }

    mutating func translateShuffle() {
        let bytes = builder.index(of: readVector())
        let right = pop()
        let left = pop()
        push(builder.value(ApusIR.Instruction(.shuffle, .v128, left, right, Value(bytes))))
    }

    mutating func translateExtractLane(_ shape: VectorShape) {
        let number = number
        let lane = UInt32(reader.readByte())
        push(
            builder.value(
                ApusIR.Instruction(
                    .extractLane, shape.lane, pop(), Value(0), Value(lane), immediate: number)))
    }

    mutating func translateReplaceLane() {
        let number = number
        let lane = UInt32(reader.readByte())
        let value = pop()
        let vector = pop()
        push(
            builder.value(
                ApusIR.Instruction(
                    .replaceLane, .v128, vector, value, Value(lane), immediate: number)))
    }

    /// The number of the instruction at hand after its prefix.
    private var number: UInt16 {
        mutating get {
            var copy = reader
            copy.position = instructionOffset &+ 1
            return UInt16(truncatingIfNeeded: copy.readIndex())
        }
    }

    private mutating func readVector() -> VectorBits {
        let low = reader.readFloat64Bits()
        return VectorBits(low: low, high: reader.readFloat64Bits())
    }

    /// What has operands and a result, and nothing else.
    mutating func translateLanes(_ operation: Operation) {
        guard let signature = operation.fixedSignature else { return isRefused = true }
        let type: IRType = signature.result == 0x7F ? .i32 : .v128
        let number = number
        switch signature.count {
        case 1:
            push(
                builder.value(
                    ApusIR.Instruction(.vectorUnary, type, pop(), immediate: number)))
        case 2:
            let right = pop()
            let left = pop()
            push(
                builder.value(
                    ApusIR.Instruction(.vectorBinary, type, left, right, immediate: number)))
        default:
            let third = pop()
            let second = pop()
            let first = pop()
            push(
                builder.value(
                    ApusIR.Instruction(
                        .vectorTernary, type, first, second, third, immediate: number)))
        }
    }

    mutating func translateVectorLoad(_ load: VectorLoad) {
        let argument = reader.readMemoryArgument()
        let width: AccessWidth =
            switch load {
            case .full: .full
            case .extend8x8Signed: .extend8x8Signed
            case .extend8x8Unsigned: .extend8x8Unsigned
            case .extend16x4Signed: .extend16x4Signed
            case .extend16x4Unsigned: .extend16x4Unsigned
            case .extend32x2Signed: .extend32x2Signed
            case .extend32x2Unsigned: .extend32x2Unsigned
            case .splat8: .splat8
            case .splat16: .splat16
            case .splat32: .splat32
            case .splat64: .splat64
            case .zero32: .zero32
            case .zero64: .zero64
            }
        let bytes = UInt64(width.bytes(.v128))
        guard let address = memoryAddress(pop(), argument, bytes: bytes) else { return }
        push(
            builder.load(
                .v128, Self.access(width), address.base, address.index, address.displacement))
    }

    mutating func translateLane(_ operation: Operator, _ lane: LaneWidth) {
        let argument = reader.readMemoryArgument()
        let index = UInt32(reader.readByte())
        let vector = pop()
        let width: AccessWidth =
            switch lane {
            case .bits8: .lane8
            case .bits16: .lane16
            case .bits32: .lane32
            case .bits64: .lane64
            }
        let bytes = UInt64(width.bytes(.v128))
        guard let address = memoryAddress(pop(), argument, bytes: bytes) else { return }
        let loaded = builder.accessLane(
            operation, Self.access(width), vector, lane: index, address.base, address.index,
            address.displacement)
        if operation == .loadLane { push(loaded) }
    }
}

extension VectorShape {
    /// What a lane is outside of its vector.
    fileprivate var lane: IRType {
        switch self {
        case .i8x16, .i16x8, .i32x4: .i32
        case .i64x2: .i64
        case .f32x4: .f32
        case .f64x2: .f64
        }
    }
}
