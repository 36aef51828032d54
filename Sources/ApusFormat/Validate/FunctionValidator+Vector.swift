internal import ApusCollections

/// Vector instructions (3.4.8): operand and result types by shape.
extension FunctionValidator {
    mutating func validateVector() throws(ModuleError) {
        if let code = peekByteCode(), features.has(.simd) {
            let signature = Self.signatures[code]
            if signature.count > 0 {
                reader.position &+= code < 0x80 ? 1 : 2
                analysis.flags.insert(.usesVectors)
                return try apply(signature)
            }
        }
        try validateAnyVector()
    }

    /// The instruction's number as far as it fits into a byte, in its shortest form.
    @inline(__always)
    private func peekByteCode() -> UInt8? {
        let first = reader.peekByte()
        return first < 0x80 || reader.peekByte(1) == 1 ? first : nil
    }

    /// Of the instructions without immediates, by number, so that the table of all instructions
    /// need not be read for these; others have no operands here.
    private static let signatures = ConstantTable<FixedSignature> { code in
        guard let row = Opcodes.opcode(prefix: 0xFD, code: Int(code)), row.feature == .simd,
            row.operation.immediates == .none, let signature = row.operation.fixedSignature
        else { return FixedSignature() }
        return signature
    }

    @inline(__always)
    private mutating func apply(_ signature: FixedSignature) throws(ModuleError) {
        if signature.count > 2 { try pop(ValueType(bits: UInt32(signature.third))) }
        if signature.count > 1 { try pop(ValueType(bits: UInt32(signature.second))) }
        try pop(ValueType(bits: UInt32(signature.first)))
        push(ValueType(bits: UInt32(signature.result)))
    }

    private mutating func validateAnyVector() throws(ModuleError) {
        let code = try reader.readUnsigned32()
        guard let row = Opcodes.opcode(prefix: 0xFD, code: Int(code)) else {
            throw refusal(ofPrefix: 0xFD, code: code)
        }
        if let feature = row.feature, !features.has(feature) {
            throw unsupported(feature, "\(row.name)")
        }
        guard features.has(.simd) else { throw unsupported(.simd, "\(row.name)") }
        analysis.flags.insert(.usesVectors)
        switch row.operation {
        case .vectorLoad(let load):
            try pop(try readMemoryArgument(natural: load.natural))
            push(.v128)
        case .vectorStore:
            let address = try readMemoryArgument(natural: 4)
            try pop(.v128)
            try pop(address)
        case .vectorLoadLane(let width):
            try validateLaneAccess(width)
            push(.v128)
        case .vectorStoreLane(let width): try validateLaneAccess(width)
        case .vectorConst:
            reader.position &+= 16
            push(.v128)
        case .vectorShuffle:
            try readShuffle()
            try operate(2)
        case .vectorSplat(let shape):
            try pop(shape.scalar)
            push(.v128)
        case .vectorExtractLane(let shape, _):
            try readLane(below: shape.lanes)
            try pop(.v128)
            push(shape.scalar)
        case .vectorReplaceLane(let shape):
            try readLane(below: shape.lanes)
            try pop(shape.scalar)
            try operate(1)
        case .vectorAnyTrue, .vectorAllTrue, .vectorBitmask:
            try pop(.v128)
            push(.i32)
        case .vectorShift:
            try pop(.i32)
            try operate(1)
        case .vectorNot, .vectorUnary, .vectorConvert: try operate(1)
        case .vectorBitwise, .vectorCompare, .vectorBinary: try operate(2)
        case .vectorBitselect, .vectorTernary: try operate(3)
        default: throw refusal(ofPrefix: 0xFD, code: code)
        }
    }

    /// `count` vectors give one.
    private mutating func operate(_ count: Int) throws(ModuleError) {
        for _ in 0..<count { try pop(.v128) }
        push(.v128)
    }

    private mutating func validateLaneAccess(_ width: LaneWidth) throws(ModuleError) {
        let address = try readMemoryArgument(natural: UInt32(width.rawValue))
        try readLane(below: 16 >> width.rawValue)
        try pop(.v128)
        try pop(address)
    }

    private mutating func readLane(below count: UInt8) throws(ModuleError) {
        let lane = reader.readByte()
        guard lane < count else { throw invalid("invalid lane index \(lane)") }
    }

    private mutating func readShuffle() throws(ModuleError) {
        // All sixteen at once, if there is nothing to say about one.
        if reader.position &+ 16 <= reader.end,
            (reader.peekWord(0) | reader.peekWord(8)) & 0xE0E0_E0E0_E0E0_E0E0 == 0
        {
            reader.position &+= 16
            return
        }
        for _ in 0..<16 {
            if reader.position >= reader.end { throw reader.unexpectedEnd() }
            try readLane(below: 32)
        }
    }
}

extension VectorLoad {
    /// Log2 of the bytes read.
    var natural: UInt32 {
        switch self {
        case .full: 4
        case .extend8x8Signed, .extend8x8Unsigned, .extend16x4Signed, .extend16x4Unsigned,
            .extend32x2Signed, .extend32x2Unsigned, .splat64, .zero64:
            3
        case .splat32, .zero32: 2
        case .splat16: 1
        case .splat8: 0
        }
    }
}

extension VectorShape {
    /// The type of one lane outside of the vector.
    var scalar: ValueType {
        switch self {
        case .i8x16, .i16x8, .i32x4: .i32
        case .i64x2: .i64
        case .f32x4: .f32
        case .f64x2: .f64
        }
    }

    var lanes: UInt8 {
        switch self {
        case .i8x16: 16
        case .i16x8: 8
        case .i32x4, .f32x4: 4
        case .i64x2, .f64x2: 2
        }
    }
}
