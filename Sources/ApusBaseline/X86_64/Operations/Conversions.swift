internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// Conversions between number types (4.3.4).
extension BaselineCompiler {
    mutating func translateConversion(_ conversion: Conversion) {
        switch conversion {
        case .i32WrapI64: emitWrap()
        case .i64ExtendI32Signed: emitExtension(isSigned: true)
        case .i64ExtendI32Unsigned: emitExtension(isSigned: false)

        case .i32TruncF32Signed: emitTruncation(.i32, .f32, isSigned: true)
        case .i32TruncF32Unsigned: emitTruncation(.i32, .f32, isSigned: false)
        case .i32TruncF64Signed: emitTruncation(.i32, .f64, isSigned: true)
        case .i32TruncF64Unsigned: emitTruncation(.i32, .f64, isSigned: false)
        case .i64TruncF32Signed: emitTruncation(.i64, .f32, isSigned: true)
        case .i64TruncF32Unsigned: emitTruncation(.i64, .f32, isSigned: false)
        case .i64TruncF64Signed: emitTruncation(.i64, .f64, isSigned: true)
        case .i64TruncF64Unsigned: emitTruncation(.i64, .f64, isSigned: false)

        case .i32TruncSatF32Signed: emitSaturation(.i32, .f32, isSigned: true)
        case .i32TruncSatF32Unsigned: emitSaturation(.i32, .f32, isSigned: false)
        case .i32TruncSatF64Signed: emitSaturation(.i32, .f64, isSigned: true)
        case .i32TruncSatF64Unsigned: emitSaturation(.i32, .f64, isSigned: false)
        case .i64TruncSatF32Signed: emitSaturation(.i64, .f32, isSigned: true)
        case .i64TruncSatF32Unsigned: emitSaturation(.i64, .f32, isSigned: false)
        case .i64TruncSatF64Signed: emitSaturation(.i64, .f64, isSigned: true)
        case .i64TruncSatF64Unsigned: emitSaturation(.i64, .f64, isSigned: false)

        case .f32ConvertI32Signed: emitToFloat(.f32, from: .w32)
        case .f32ConvertI64Signed: emitToFloat(.f32, from: .w64)
        case .f64ConvertI32Signed: emitToFloat(.f64, from: .w32)
        case .f64ConvertI64Signed: emitToFloat(.f64, from: .w64)
        // An i32 in a register is zero-extended: as 64 bits it has no sign.
        case .f32ConvertI32Unsigned: emitToFloat(.f32, from: .w64)
        case .f64ConvertI32Unsigned: emitToFloat(.f64, from: .w64)
        case .f32ConvertI64Unsigned: emitUnsigned64ToFloat(.f32)
        case .f64ConvertI64Unsigned: emitUnsigned64ToFloat(.f64)

        case .f32DemoteF64: emitFloatConversion(to: .f32)
        case .f64PromoteF32: emitFloatConversion(to: .f64)

        case .i32ReinterpretF32: emitReinterpretation(.i32)
        case .i64ReinterpretF64: emitReinterpretation(.i64)
        case .f32ReinterpretI32: emitReinterpretation(.f32)
        case .f64ReinterpretI64: emitReinterpretation(.f64)
        }
    }

    // MARK: Between integers

    private mutating func emitWrap() {
        let operand = pop()
        if operand.isConstant { return push(.constant(.i32, operand.bits & 0xFFFF_FFFF)) }
        if operand.kind == .slot {
            // The slot's low half is the result.
            return push(.slot(.i32, Int(operand.index)))
        }
        let a = take(operand)
        let result = destination(reusing: a)
        code.move(.w32, result.general, a.register)
        finish(result, .i32, freeing: a)
    }

    private mutating func emitExtension(isSigned: Bool) {
        let operand = pop()
        if operand.isConstant {
            let low = UInt32(truncatingIfNeeded: operand.bits)
            let wide = isSigned ? UInt64(bitPattern: Int64(Int32(bitPattern: low))) : UInt64(low)
            return push(.constant(.i64, wide))
        }
        if !isSigned, operand.kind == .register { return push(.i64, operand.general) }
        let a = take(operand)
        let result = destination(reusing: a)
        if isSigned {
            code.moveSignExtended(from: .w32, to: .w64, result.general, a.register)
        } else {
            code.move(.w32, result.general, a.register)
        }
        finish(result, .i64, freeing: a)
    }

    // MARK: Integers to floats

    private mutating func emitToFloat(_ type: ValueClass, from width: Width) {
        let a = take(pop())
        let result = floatDestination()
        code.convertToFloat(type.floatWidth, from: width, result.float, a.register)
        finish(result, type, freeing: a)
    }

    /// Numbers above the signed range are halved, keeping the lowest bit for the rounding, and
    /// doubled again.
    private mutating func emitUnsigned64ToFloat(_ type: ValueClass) {
        let a = takeOwned(pop())
        let result = floatDestination()
        let large = code.makeLabel()
        let end = code.makeLabel()
        let scratch = CallingConvention.scratch
        code.test(.w64, a, a)
        code.jump(.s, large, near: true)
        code.convertToFloat(type.floatWidth, from: .w64, result.float, a)
        code.jump(end, near: true)
        code.bind(large)
        code.move(.w64, scratch, a)
        code.shift(.shr, .w64, a, immediate: 1)
        code.alu(.and, .w32, scratch, immediate: 1)
        code.alu(.or, .w64, a, scratch)
        code.convertToFloat(type.floatWidth, from: .w64, result.float, a)
        code.float(.add, type.floatWidth, result.float, result.float, result.float)
        code.bind(end)
        free(a)
        finish(result, type)
    }

    // MARK: Between floats

    private mutating func emitFloatConversion(to type: ValueClass) {
        let a = takeFloat(pop())
        let result = destination(reusing: a)
        code.convertFloat(to: type.floatWidth, result.float, a.register)
        finish(result, type, freeing: a)
    }

    // MARK: Reinterpretation

    private mutating func emitReinterpretation(_ type: ValueClass) {
        let operand = pop()
        switch operand.kind {
        case .constant: push(.constant(type, operand.bits))
        case .slot: push(.slot(type, Int(operand.index)))
        case .local, .register:
            if type.isInVector {
                let a = take(operand)
                let result = floatDestination()
                code.moveToFloat(type == .f32 ? .w32 : .w64, result.float, a.register)
                finish(result, type, freeing: a)
            } else {
                let a = takeFloat(operand)
                let result = generalDestination()
                code.moveFromFloat(type.width, result.general, a.register)
                finish(result, type, freeing: a)
            }
        }
    }

    // MARK: Floats to integers

    /// Truncation that traps when the result does not fit. The processor answers with the smallest
    /// integer when it fails, so only that answer needs a second look.
    private mutating func emitTruncation(
        _ type: ValueClass, _ source: ValueClass, isSigned: Bool
    ) {
        let a = takeFloat(pop())
        let target = allocateGeneral()
        if isSigned {
            emitSignedTruncation(type, source, target, a.register)
        } else if type == .i32 {
            emitUnsigned32Truncation(source, target, a.register)
        } else {
            emitUnsigned64Truncation(source, target, a.register)
        }
        release(a)
        finishIn(target, type)
    }

    private mutating func emitSignedTruncation(
        _ type: ValueClass, _ source: ValueClass, _ target: GPR, _ a: XMM
    ) {
        let width = source.floatWidth
        let scratch = CallingConvention.floatScratch
        let end = code.makeLabel()
        code.convertToInteger(type.width, from: width, target, a)
        code.alu(.cmp, type.width, target, immediate: 1)
        code.jump(.no, end)
        code.compareFloat(width, a, a)
        trap(.invalidConversionToInteger, if: .p)
        code.compareFloat(width, a, leastConvertible(type, source))
        trap(.integerOverflow, if: type == .i32 && source == .f64 ? .be : .b)
        code.floatXor(scratch, scratch, scratch)
        code.compareFloat(width, a, scratch)
        trap(.integerOverflow, if: .ae)
        code.bind(end)
    }

    /// The least float that converts to a signed integer; where a double can say it, the greatest
    /// one that does not.
    private mutating func leastConvertible(_ type: ValueClass, _ source: ValueClass) -> Address {
        switch (type, source) {
        case (.i32, .f32): constantAddress(.f32, UInt64(Float(-0x1p31).bitPattern))
        case (.i32, _): constantAddress(.f64, (-2_147_483_649.0).bitPattern)
        case (_, .f32): constantAddress(.f32, UInt64(Float(-0x1p63).bitPattern))
        default: constantAddress(.f64, (-0x1p63).bitPattern)
        }
    }

    private mutating func emitUnsigned32Truncation(
        _ source: ValueClass, _ target: GPR, _ a: XMM
    ) {
        let scratch = CallingConvention.scratch
        let end = code.makeLabel()
        code.convertToInteger(.w64, from: source.floatWidth, target, a)
        code.move(.w32, scratch, target)
        code.alu(.cmp, .w64, scratch, target)
        code.jump(.e, end)
        trapUnconvertible(source, a)
        code.bind(end)
    }

    /// `a` cannot be converted: a NaN, or too large or too small a number.
    private mutating func trapUnconvertible(_ source: ValueClass, _ a: XMM) {
        code.compareFloat(source.floatWidth, a, a)
        trap(.invalidConversionToInteger, if: .p)
        markSite(.integerOverflow)
        code.ud2()
    }

    private mutating func twoTo63(_ source: ValueClass) -> Address {
        source == .f32
            ? constantAddress(.f32, UInt64(Float(0x1p63).bitPattern))
            : constantAddress(.f64, (0x1p63).bitPattern)
    }

    /// From 2^63 on, 2^63 less is converted and the highest bit set afterwards.
    private mutating func emitUnsigned64Truncation(
        _ source: ValueClass, _ target: GPR, _ a: XMM
    ) {
        let width = source.floatWidth
        let scratch = CallingConvention.floatScratch
        let large = code.makeLabel()
        let end = code.makeLabel()
        code.loadFloat(width, scratch, twoTo63(source))
        code.compareFloat(width, a, scratch)
        code.jump(.ae, large)
        code.convertToInteger(.w64, from: width, target, a)
        code.test(.w64, target, target)
        code.jump(.ns, end)
        trapUnconvertible(source, a)
        code.bind(large)
        emitSubtractTwoTo63(source, target, a)
        trap(.integerOverflow, if: .s)
        emitSetHighestBit(target)
        code.bind(end)
    }

    /// Converts `a` - 2^63, the scratch register holding 2^63; the sign flag says if that failed.
    private mutating func emitSubtractTwoTo63(_ source: ValueClass, _ target: GPR, _ a: XMM) {
        let width = source.floatWidth
        let scratch = CallingConvention.floatScratch
        if code.useAVX {
            code.float(.sub, width, scratch, a, scratch)
        } else {
            code.move(scratch, a)
            code.float(.sub, width, scratch, scratch, twoTo63(source))
        }
        code.convertToInteger(.w64, from: width, target, scratch)
        code.test(.w64, target, target)
    }

    private mutating func emitSetHighestBit(_ target: GPR) {
        code.moveImmediate(CallingConvention.scratch, 1 << 63)
        code.alu(.or, .w64, target, CallingConvention.scratch)
    }

    // MARK: Saturating

    private mutating func emitSaturation(
        _ type: ValueClass, _ source: ValueClass, isSigned: Bool
    ) {
        let a = takeFloat(pop())
        let target = allocateGeneral()
        if isSigned {
            emitSignedSaturation(type, source, target, a.register)
        } else if type == .i32 {
            emitUnsigned32Saturation(source, target, a.register)
        } else {
            emitUnsigned64Saturation(source, target, a.register)
        }
        release(a)
        finishIn(target, type)
    }

    private mutating func emitSignedSaturation(
        _ type: ValueClass, _ source: ValueClass, _ target: GPR, _ a: XMM
    ) {
        let width = source.floatWidth
        let scratch = CallingConvention.floatScratch
        let unordered = code.makeLabel()
        let end = code.makeLabel()
        code.convertToInteger(type.width, from: width, target, a)
        code.alu(.cmp, type.width, target, immediate: 1)
        code.jump(.no, end)
        code.floatXor(scratch, scratch, scratch)
        code.compareFloat(width, a, scratch)
        code.jump(.p, unordered)
        // Below zero the smallest integer is right already.
        code.jump(.b, end)
        code.moveImmediate(target, type == .i32 ? 0x7FFF_FFFF : 0x7FFF_FFFF_FFFF_FFFF)
        code.jump(end)
        code.bind(unordered)
        code.zero(target)
        code.bind(end)
    }

    private mutating func emitUnsigned32Saturation(
        _ source: ValueClass, _ target: GPR, _ a: XMM
    ) {
        let scratch = CallingConvention.scratch
        let floatScratch = CallingConvention.floatScratch
        let end = code.makeLabel()
        code.convertToInteger(.w64, from: source.floatWidth, target, a)
        code.move(.w32, scratch, target)
        code.alu(.cmp, .w64, scratch, target)
        code.jump(.e, end)
        code.floatXor(floatScratch, floatScratch, floatScratch)
        code.compareFloat(source.floatWidth, a, floatScratch)
        code.moveImmediate(target, 0xFFFF_FFFF)
        code.jump(.a, end)
        code.zero(target)
        code.bind(end)
    }

    private mutating func emitUnsigned64Saturation(
        _ source: ValueClass, _ target: GPR, _ a: XMM
    ) {
        let width = source.floatWidth
        let scratch = CallingConvention.floatScratch
        let large = code.makeLabel()
        let tooLarge = code.makeLabel()
        let end = code.makeLabel()
        code.loadFloat(width, scratch, twoTo63(source))
        code.compareFloat(width, a, scratch)
        code.jump(.ae, large)
        code.convertToInteger(.w64, from: width, target, a)
        code.test(.w64, target, target)
        code.jump(.ns, end)
        // Negative or a NaN.
        code.zero(target)
        code.jump(end)
        code.bind(large)
        emitSubtractTwoTo63(source, target, a)
        code.jump(.s, tooLarge)
        emitSetHighestBit(target)
        code.jump(end)
        code.bind(tooLarge)
        code.moveImmediate(target, .max)
        code.bind(end)
    }
}
