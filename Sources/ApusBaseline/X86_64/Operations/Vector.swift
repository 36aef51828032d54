internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat
internal import ApusVectors

/// Vectors: constants, memory, lanes and tests (4.3.6, 4.6.2). What computes is in
/// `VectorArithmetic` and `VectorShuffle`.
extension BaselineCompiler {
    var scratchVector: XMM { mutating get { CallingConvention.floatScratch } }

    mutating func translateVectorConst() {
        let low = reader.readFloat64Bits()
        let high = reader.readFloat64Bits()
        let place = vectorConstants.count
        vectorConstants.append(VectorConstant(low: low, high: high))
        push(.constant(.v128, UInt64(place)))
    }

    /// A second operand in memory: aligned in the constant pool, or in the frame if instructions
    /// take unaligned operands.
    mutating func vectorMemory(_ operand: Operand) -> Address? {
        if operand.kind == .constant { return code.pooled(vectorConstants[Int(operand.bits)]) }
        return code.useAVX ? frameAddress(operand) : nil
    }

    // MARK: Memory

    mutating func translateVectorLoad(_ load: VectorLoad) {
        let argument = reader.readMemoryArgument()
        let operand = pop()
        let index = takeIndex(operand)
        let result = floatDestination()
        let place = memoryOperand(operand, index, argument, bytes: load.byteCount)
        markSite(.memoryOutOfBounds)
        code.loadVector(
            load, result.float, place.address, general: CallingConvention.scratch,
            scratch: scratchVector, vectorOptions)
        release(place)
        finish(result, .v128)
    }

    mutating func translateVectorStore() {
        let argument = reader.readMemoryArgument()
        let value = takeFloat(pop())
        let place = memoryOperand(pop(), argument, bytes: 16)
        markSite(.memoryOutOfBounds)
        code.storeVector(place.address, value.register)
        release(value)
        release(place)
    }

    mutating func translateVectorLoadLane(_ lane: LaneWidth) {
        let argument = reader.readMemoryArgument()
        let laneIndex = reader.readByte()
        let value = takeFloat(pop())
        let operand = pop()
        let index = takeIndex(operand)
        let result = destination(reusing: value)
        let place = memoryOperand(operand, index, argument, bytes: lane.byteCount)
        if result.float != value.register { code.move(result.float, value.register) }
        markSite(.memoryOutOfBounds)
        code.insertLane(lane.width, result.float, result.float, place.address, lane: laneIndex)
        release(place)
        finish(result, .v128, freeing: value)
    }

    mutating func translateVectorStoreLane(_ lane: LaneWidth) {
        let argument = reader.readMemoryArgument()
        let index = reader.readByte()
        let value = takeFloat(pop())
        let place = memoryOperand(pop(), argument, bytes: lane.byteCount)
        markSite(.memoryOutOfBounds)
        code.extractLane(lane.width, place.address, value.register, lane: index)
        release(value)
        release(place)
    }

    // MARK: Lanes

    mutating func translateVectorSplat(_ shape: VectorShape) {
        let operand = pop()
        switch shape {
        case .f32x4, .f64x2:
            let value = takeFloat(operand)
            let result = destination(reusing: value)
            if shape == .f32x4 {
                code.vector(.pshufd, result.float, value.register, immediate: 0)
            } else {
                code.vector(.movddup, result.float, value.register)
            }
            finish(result, .v128, freeing: value)
        case .i8x16, .i16x8, .i32x4, .i64x2:
            let value = take(operand)
            let result = floatDestination()
            code.splat(
                shape, result.float, value.register, scratch: scratchVector, vectorOptions)
            finish(result, .v128, freeing: value)
        }
    }

    mutating func translateExtractLane(_ shape: VectorShape, _ extension: FieldExtension) {
        let lane = reader.readByte()
        let value = takeFloat(pop())
        switch shape {
        case .f32x4, .f64x2:
            let result = destination(reusing: value)
            let order: UInt8 = shape == .f32x4 ? lane : lane == 0 ? 0x44 : 0xEE
            if lane > 0 {
                code.vector(.pshufd, result.float, value.register, immediate: order)
            } else if result.float != value.register {
                code.move(result.float, value.register)
            }
            finish(result, shape == .f32x4 ? .f32 : .f64, freeing: value)
        case .i8x16, .i16x8, .i32x4, .i64x2:
            let result = generalDestination()
            let target = result.general
            let width = shape.laneWidth
            if lane == 0, width == .w32 || width == .w64 {
                code.moveFromFloat(width, target, value.register)
            } else {
                code.extractLane(width, target, value.register, lane: lane)
            }
            if `extension` == .signed {
                code.moveSignExtended(from: width, to: .w32, target, target)
            }
            finish(result, shape == .i64x2 ? .i64 : .i32, freeing: value)
        }
    }

    mutating func translateReplaceLane(_ shape: VectorShape) {
        let lane = reader.readByte()
        let operand = pop()
        switch shape {
        case .f32x4, .f64x2:
            let scalar = takeFloat(operand)
            let vector = takeFloat(pop())
            let result = destination(reusing: vector)
            code.insertFloat(
                shape, result.float, vector.register, scalar.register, lane: lane)
            finishPair(result, .v128, vector, scalar)
        case .i8x16, .i16x8, .i32x4, .i64x2:
            let scalar = take(operand)
            let vector = takeFloat(pop())
            let result = destination(reusing: vector)
            code.insertLane(
                shape.laneWidth, result.float, vector.register, scalar.register, lane: lane)
            release(scalar)
            finish(result, .v128, freeing: vector)
        }
    }

    // MARK: Tests

    mutating func translateAnyTrue(_ analysis: borrowing BodyAnalysis) {
        let value = takeFloat(pop())
        code.vector(.ptest, value.register, value.register)
        release(value)
        consume(.flag(.ne), analysis)
    }

    mutating func translateAllTrue(_ shape: VectorShape, _ analysis: borrowing BodyAnalysis) {
        let value = takeFloat(pop())
        code.testAllTrue(shape, value.register, scratch: scratchVector)
        release(value)
        consume(.flag(.e), analysis)
    }

    mutating func translateBitmask(_ shape: VectorShape) {
        let value = takeFloat(pop())
        let result = generalDestination()
        code.bitmask(shape, result.general, value.register, scratch: scratchVector)
        finish(result, .i32, freeing: value)
    }
}
