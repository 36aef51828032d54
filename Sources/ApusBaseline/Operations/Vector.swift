internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// 16 bytes known while compiling.
struct VectorConstant: BitwiseCopyable {
    var low: UInt64
    var high: UInt64

    /// The same 64 bits twice.
    init(_ both: UInt64) {
        low = both
        high = both
    }

    init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    static func bytes(_ byte: UInt8) -> VectorConstant {
        VectorConstant(UInt64(byte) &* 0x0101_0101_0101_0101)
    }

    static func words(_ word: UInt16) -> VectorConstant {
        VectorConstant(UInt64(word) &* 0x0001_0001_0001_0001)
    }

    static func doublewords(_ word: UInt32) -> VectorConstant {
        VectorConstant(UInt64(word) &* 0x0000_0001_0000_0001)
    }

    /// Byte `index` is `byte(index)`.
    init(bytes byte: (Int) -> UInt8) {
        self.init(0)
        for index in 0..<8 {
            low |= UInt64(byte(index)) << UInt64(8 * index)
            high |= UInt64(byte(index + 8)) << UInt64(8 * index)
        }
    }
}

/// Vectors: constants, memory, lanes and tests (4.3.6, 4.6.2). What computes is in
/// `VectorArithmetic`, `VectorConversions` and `VectorShuffle`.
extension BaselineCompiler {
    var scratchVector: XMM { CallingConvention.floatScratch }
    var hasAVX2: Bool { processor.contains(.avx2) }

    /// The constant in the function's pool, aligned.
    mutating func pooled(_ constant: VectorConstant) -> Address {
        Address(constant: code.constant128(constant.low, constant.high))
    }

    mutating func loadVectorConstant(_ constant: VectorConstant, into register: XMM) {
        if constant.low == 0, constant.high == 0 {
            code.vector(.pxor, register, register, register)
        } else if constant.low == .max, constant.high == .max {
            code.vector(.pcmpeqd, register, register, register)
        } else {
            code.loadVector(register, pooled(constant), aligned: true)
        }
    }

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
        if operand.kind == .constant { return pooled(vectorConstants[Int(operand.bits)]) }
        return code.useAVX ? frameAddress(operand) : nil
    }

    // MARK: Memory

    mutating func translateVectorLoad(_ load: VectorLoad) {
        let argument = reader.readMemoryArgument()
        let operand = pop()
        let index = takeIndex(operand)
        let result = floatDestination()
        let place = memoryPlace(operand, index, argument, bytes: load.byteCount)
        emitVectorLoad(load, result.float, place.address)
        release(place)
        finish(result, .v128)
    }

    private mutating func emitVectorLoad(_ load: VectorLoad, _ target: XMM, _ address: Address) {
        if case .splat8 = load { return emitSplatLoad(.w8, target, address) }
        if case .splat16 = load { return emitSplatLoad(.w16, target, address) }
        markSite(.memoryOutOfBounds)
        switch load {
        case .full: code.loadVector(target, address)
        case .extend8x8Signed: code.vector(.pmovsxbw, target, address)
        case .extend8x8Unsigned: code.vector(.pmovzxbw, target, address)
        case .extend16x4Signed: code.vector(.pmovsxwd, target, address)
        case .extend16x4Unsigned: code.vector(.pmovzxwd, target, address)
        case .extend32x2Signed: code.vector(.pmovsxdq, target, address)
        case .extend32x2Unsigned: code.vector(.pmovzxdq, target, address)
        case .splat8, .splat16: break  // Above.
        case .splat32:
            if code.useAVX {
                code.vector(.vbroadcastss, target, address)
            } else {
                code.loadFloat(.f32, target, address)
                code.vector(.pshufd, target, target, immediate: 0)
            }
        case .splat64: code.vector(.movddup, target, address)
        case .zero32: code.loadFloat(.f32, target, address)
        case .zero64: code.loadFloat(.f64, target, address)
        }
    }

    private mutating func emitSplatLoad(_ width: Width, _ target: XMM, _ address: Address) {
        if hasAVX2, code.useAVX {
            markSite(.memoryOutOfBounds)
            code.vector(width == .w8 ? .vpbroadcastb : .vpbroadcastw, target, address)
        } else {
            markSite(.memoryOutOfBounds)
            code.loadZeroExtended(from: width, CallingConvention.scratch, address)
            emitSplat(width == .w8 ? .i8x16 : .i16x8, target, CallingConvention.scratch)
        }
    }

    mutating func translateVectorStore() {
        let argument = reader.readMemoryArgument()
        let value = takeFloat(pop())
        let place = memoryPlace(pop(), argument, bytes: 16)
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
        let place = memoryPlace(operand, index, argument, bytes: lane.byteCount)
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
        let place = memoryPlace(pop(), argument, bytes: lane.byteCount)
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
            emitSplat(shape, result.float, value.register)
            finish(result, .v128, freeing: value)
        }
    }

    private mutating func emitSplat(_ shape: VectorShape, _ target: XMM, _ source: GPR) {
        let broadcasts = hasAVX2 && code.useAVX
        code.moveToFloat(shape == .i64x2 ? .w64 : .w32, target, source)
        switch shape {
        case .i8x16:
            if broadcasts {
                code.vector(.vpbroadcastb, target, target)
            } else {
                code.vector(.pxor, scratchVector, scratchVector, scratchVector)
                code.vector(.pshufb, target, target, scratchVector)
            }
        case .i16x8:
            if broadcasts {
                code.vector(.vpbroadcastw, target, target)
            } else {
                code.vector(.pshuflw, target, target, immediate: 0)
                code.vector(.pshufd, target, target, immediate: 0)
            }
        case .i32x4, .f32x4: code.vector(.pshufd, target, target, immediate: 0)
        case .i64x2, .f64x2: code.vector(.pshufd, target, target, immediate: 0x44)
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
            replaceFloatLane(shape, result.float, vector.register, scalar.register, lane)
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

    private mutating func replaceFloatLane(
        _ shape: VectorShape, _ target: XMM, _ vector: XMM, _ scalar: XMM, _ lane: UInt8
    ) {
        if shape == .f32x4 {
            code.vector(.insertps, target, vector, scalar, immediate: lane &<< 4)
        } else {
            code.vector(lane == 0 ? .movsd : .movlhps, target, vector, scalar)
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
        let scratch = scratchVector
        code.vector(.pxor, scratch, scratch, scratch)
        code.vector(shape.equalOp, scratch, scratch, value.register)
        code.vector(.ptest, scratch, scratch)
        release(value)
        consume(.flag(.e), analysis)
    }

    mutating func translateBitmask(_ shape: VectorShape) {
        let value = takeFloat(pop())
        let result = generalDestination()
        let target = result.general
        switch shape {
        case .i8x16: code.vector(.pmovmskb, target, value.register)
        case .i16x8:
            code.vector(.packsswb, scratchVector, value.register, value.register)
            code.vector(.pmovmskb, target, scratchVector)
            code.moveZeroExtended(from: .w8, target, target)
        case .i32x4, .f32x4: code.vector(.movmskps, target, value.register)
        case .i64x2, .f64x2: code.vector(.movmskpd, target, value.register)
        }
        finish(result, .i32, freeing: value)
    }
}

extension LaneWidth {
    var width: Width {
        switch self {
        case .bits8: .w8
        case .bits16: .w16
        case .bits32: .w32
        case .bits64: .w64
        }
    }
}

extension VectorShape {
    var laneWidth: Width {
        switch self {
        case .i8x16: .w8
        case .i16x8: .w16
        case .i32x4, .f32x4: .w32
        case .i64x2, .f64x2: .w64
        }
    }

    /// Compares integer lanes for equality.
    var equalOp: VectorOp {
        switch self {
        case .i8x16: .pcmpeqb
        case .i16x8: .pcmpeqw
        case .i32x4, .f32x4: .pcmpeqd
        case .i64x2, .f64x2: .pcmpeqq
        }
    }
}
