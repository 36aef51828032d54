internal import ApusFormat

/// Vectors. Whatever leaves an expression of type v128 has the same bits everywhere: lanes that
/// are computed floats are made canonical, where something else than floats is done with them.
extension FunctionGenerator {
    private enum Form {
        case binary, unary, shift, splat, replace, shuffle, ternary, floats, compare, truncate
    }

    mutating func vector(depth: Int) {
        let form: Form = choices.pick(weighted: [
            (10, .binary), (4, .unary), (3, .shift), (3, .splat), (3, .replace), (2, .shuffle),
            (2, .ternary), (6, .floats), (2, .compare), (2, .truncate),
        ])
        switch form {
        case .binary: vectorOperation(VectorOperation.binary, operands: 2, depth: depth)
        case .unary: vectorOperation(VectorOperation.unary, operands: 1, depth: depth)
        case .ternary: vectorOperation(VectorOperation.ternary, operands: 3, depth: depth)
        case .shift:
            expression(.v128, depth: depth - 1)
            expression(.i32, depth: depth - 1)
            emit(choices.pick(VectorOperation.shifts))
        case .splat:
            let type = choices.pick([ValueType.i32, .i64, .f32, .f64])
            settled(type, depth: depth - 1)
            emit(choices.pick(VectorOperation.splats(of: type)))
        case .replace:
            let type = choices.pick([ValueType.i32, .i64, .f32, .f64])
            expression(.v128, depth: depth - 1)
            settled(type, depth: depth - 1)
            emit(choices.pick(VectorOperation.replacements(by: type)))
        case .shuffle:
            expression(.v128, depth: depth - 1)
            expression(.v128, depth: depth - 1)
            code.raw([0xFD, 13])
            shuffleLanes()
        case .floats: settledFloats(depth: depth)
        case .compare:
            let shape = floatShape()
            floats(shape, depth: depth - 1)
            floats(shape, depth: depth - 1)
            emit(choices.pick(VectorOperation.floatCompare(shape)))
        case .truncate:
            let shape = floatShape()
            floats(shape, depth: depth - 1)
            emit(choices.pick(VectorOperation.truncations(of: shape)))
        }
    }

    /// An instruction, with a lane if it takes one.
    mutating func emit(_ operation: VectorOperation) {
        code.byte(0xFD)
        code.unsigned(operation.code)
        let lanes = Int(operation.operation.laneCount)
        if lanes > 0 { code.byte(UInt8(choices.below(lanes))) }
    }

    private mutating func vectorOperation(
        _ operations: [VectorOperation], operands: Int, depth: Int
    ) {
        for _ in 0..<operands { expression(.v128, depth: depth - 1) }
        emit(choices.pick(operations))
    }

    /// Lanes at random, or of a form for which processors have an instruction.
    private mutating func shuffleLanes() {
        let first = choices.below(32)
        let width = choices.pick([1, 2, 4, 8])
        let form = choices.below(5)
        let places = (0..<16).map { index in
            switch form {
            case 0: return (first + index) % 32
            case 1: return first / width * width + index % width
            case 2: return index / 2 / width * width + index % width + index / width % 2 * 16
            case 3: return (index ^ first) % 16
            default: return choices.below(32)
            }
        }
        code.raw(places.map { UInt8($0 % 32) })
    }

    // MARK: Floats

    private mutating func floatShape() -> VectorShape { choices.pick([.f32x4, .f64x2]) }

    private mutating func settledFloats(depth: Int) {
        let shape = floatShape()
        floats(shape, depth: depth)
        let isSingle = shape == .f32x4
        let local = vectorCanonicalizer()
        op(0x22, local)
        code.constant(
            ModelVector(isSingle ? 32 : 64) { _ in
                isSingle ? 0x7FC0_0000 : 0x7FF8_0000_0000_0000
            })
        op(0x20, local)
        op(0x20, local)
        code.raw(isSingle ? [0xFD, 65] : [0xFD, 71])
        code.raw([0xFD, 82])
    }

    /// A vector whose lanes are floats, of which NaNs may have any bits.
    private mutating func floats(_ shape: VectorShape, depth: Int) {
        budget -= 1
        if depth <= 0 || budget <= 0 { return expression(.v128, depth: 0) }
        switch choices.below(9) {
        case 0: expression(.v128, depth: depth - 1)
        case 1:
            floats(shape, depth: depth - 1)
            emit(choices.pick(VectorOperation.floatUnary(shape)))
        case 2, 3, 4:
            floats(shape, depth: depth - 1)
            floats(shape, depth: depth - 1)
            emit(choices.pick(VectorOperation.floatBinary(shape)))
        case 5:
            for _ in 0..<3 { floats(shape, depth: depth - 1) }
            emit(choices.pick(VectorOperation.floatTernary(shape)))
        case 6:
            expression(shape.laneType, depth: depth - 1)
            emit(choices.pick(VectorOperation.splats(of: shape.laneType)))
        case 7:
            floats(shape, depth: depth - 1)
            expression(shape.laneType, depth: depth - 1)
            emit(choices.pick(VectorOperation.replacements(by: shape.laneType)))
        default:
            let conversion = choices.pick(VectorOperation.conversions(to: shape))
            if case .vectorConvert(let kind) = conversion.operation, let source = kind.floatSource {
                floats(source, depth: depth - 1)
            } else {
                expression(.v128, depth: depth - 1)
            }
            emit(conversion)
        }
    }

    // MARK: Numbers

    /// A number that is a part of a vector or says something about it.
    mutating func ofVector(_ type: ValueType, depth: Int) {
        let operation = choices.pick(VectorOperation.extractions(of: type))
        if case .vectorExtractLane(let shape, _) = operation.operation, shape.isFloat {
            floats(shape, depth: depth - 1)
        } else {
            expression(.v128, depth: depth - 1)
        }
        emit(operation)
    }

    // MARK: Memory

    mutating func vectorLoad(depth: Int) {
        let intoLane = choices.chance(25)
        let access = address(depth: depth - 1)
        if intoLane { expression(.v128, depth: depth - 1) }
        vectorAccess(
            choices.pick(intoLane ? VectorOperation.laneLoads : VectorOperation.loads), access)
    }

    mutating func vectorStore(depth: Int) {
        let ofLane = choices.chance(25)
        let access = address(depth: depth - 1)
        expression(.v128, depth: depth - 1)
        let store = VectorOperation(code: 11, operation: .vectorStore)
        vectorAccess(ofLane ? choices.pick(VectorOperation.laneStores) : store, access)
    }

    mutating func vectorAccess(_ operation: VectorOperation, _ access: Access) {
        code.byte(0xFD)
        code.unsigned(operation.code)
        memoryArgument(access, greatestAlignment: Int(operation.operation.naturalAlignment))
        let lanes = Int(operation.operation.laneCount)
        if lanes > 0 { code.byte(UInt8(choices.below(lanes))) }
    }
}
