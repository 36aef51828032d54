internal import ApusABI
internal import ApusAssembler

/// Short copies and fills of arrays (`Trampolines+ShortBulk`). Who goes the general way after all
/// has all arguments as they were.
extension Trampolines {
    /// How many bytes an element has; the number of the function, which was there, is known.
    private var unit: GPR { RuntimeCall.function }

    func emitShortArrays(_ labels: ShortBulkLabels, _ code: inout CodeBuffer) {
        code.bind(labels.arrayCopy)
        emitArrayCopy(labels, &code)
        code.bind(labels.arrayFill)
        emitArrayFill(labels, &code)
        code.bind(labels.arrayInitData)
        emitArrayInitData(labels, &code)
        code.bind(labels.arrayInitElements)
        emitArrayInitElements(labels, &code)
    }

    /// (destination, index, source, index, count)
    private func emitArrayCopy(_ labels: ShortBulkLabels, _ code: inout CodeBuffer) {
        let argument = RuntimeCall.argument
        let back = code.makeLabel()
        let count = argument(4)
        compareCount(count, labels, &code)
        checkElements(argument(0), argument(1), count, labels, &code)
        checkElements(argument(2), argument(3), count, labels, &code)
        findBytes(origin, count, of: argument(0), otherwise: back, &code)
        code.move(.w64, count, origin)
        address(origin, argument(2), argument(3), &code)
        address(target, argument(0), argument(1), &code)
        code.jump(labels.copyBytes)
        goBack(back, .arrayCopy, labels, &code)
    }

    /// (array, index, value, which is in rcx, count)
    private func emitArrayFill(_ labels: ShortBulkLabels, _ code: inout CodeBuffer) {
        let argument = RuntimeCall.argument
        let back = code.makeLabel()
        let count = argument(3)
        compareCount(count, labels, &code)
        checkElements(argument(0), argument(1), count, labels, &code)
        findBytes(origin, count, of: argument(0), otherwise: back, &code)
        code.move(.w64, count, origin)
        address(target, argument(0), argument(1), &code)
        repeatElement(&code)
        spreadFilling(&code)
        code.jump(labels.fillBytes)
        goBack(back, .arrayFill, labels, &code)
    }

    /// Fills rcx with the element that is its lowest part. Changes the origin.
    private func repeatElement(_ code: inout CodeBuffer) {
        let done = code.makeLabel()
        for (width, bytes) in [(Width.w32, 4), (.w16, 2), (.w8, 1)] {
            let isNarrower = code.makeLabel()
            if bytes > 1 {
                code.alu(.cmp, .w32, unit, immediate: Int32(bytes))
                code.jump(.b, isNarrower, near: true)
            }
            // Of eight bytes, all is there.
            if bytes == 4 { code.jump(.a, done, near: true) }
            if bytes == 4 {
                code.move(.w32, .rcx, .rcx)
            } else {
                code.moveZeroExtended(from: width, .rcx, .rcx)
            }
            code.moveImmediate(origin, UInt64.max / (1 << UInt64(8 * bytes) - 1))
            code.imul(.w64, .rcx, origin)
            if bytes > 1 { code.jump(done, near: true) }
            code.bind(isNarrower)
        }
        code.bind(done)
    }

    /// (place of a data segment, array, index, offset, count)
    private func emitArrayInitData(_ labels: ShortBulkLabels, _ code: inout CodeBuffer) {
        let argument = RuntimeCall.argument
        let back = code.makeLabel()
        let count = argument(4)
        compareCount(count, labels, &code)
        checkElements(argument(1), argument(2), count, labels, &code)
        findBytes(origin, count, of: argument(1), otherwise: back, &code)
        checkSegment(argument(0), argument(3), origin, otherwise: back, &code)
        code.move(.w64, count, origin)
        code.lea(.w64, origin, Address(target, index: argument(3)))
        address(target, argument(1), argument(2), &code)
        code.jump(labels.copyBytes)
        goBack(back, .arrayInitData, labels, &code)
    }

    /// (place of an element segment, array, index, offset, count)
    private func emitArrayInitElements(_ labels: ShortBulkLabels, _ code: inout CodeBuffer) {
        let argument = RuntimeCall.argument
        let count = argument(4)
        code.alu(.cmp, .w64, count, immediate: Self.shortBytes / 8)
        code.jump(.a, labels.other)
        checkElements(argument(1), argument(2), count, labels, &code)
        checkSegment(argument(0), argument(3), count, otherwise: labels.other, &code)
        code.shift(.shl, .w32, count, immediate: 3)
        code.lea(.w64, origin, Address(target, index: argument(3), scale: 8))
        code.lea(
            .w64, target,
            Address(argument(1), index: argument(2), scale: 8, Int32(ObjectLayout.headerBytes)))
        code.jump(labels.copyBytes)
    }

    // MARK: Checks

    private func compareCount(
        _ count: GPR, _ labels: ShortBulkLabels, _ code: inout CodeBuffer
    ) {
        code.alu(.cmp, .w64, count, immediate: Self.shortBytes)
        code.jump(.a, labels.other)
    }

    /// Goes the general way unless `array` has `count` elements from `index` on.
    private func checkElements(
        _ array: GPR, _ index: GPR, _ count: GPR, _ labels: ShortBulkLabels,
        _ code: inout CodeBuffer
    ) {
        code.test(.w64, array, array)
        code.jump(.e, labels.other)
        code.load(.w32, scratch, Address(array, ObjectLayout.length))
        code.alu(.sub, .w64, scratch, count)
        code.jump(.b, labels.other)
        code.alu(.cmp, .w64, index, scratch)
        code.jump(.a, labels.other)
    }

    /// Puts the bytes that an element of `array` has into the unit's register, and those of `count`
    /// into `bytes`, unless there are too many.
    private func findBytes(
        _ bytes: GPR, _ count: GPR, of array: GPR, otherwise back: Label,
        _ code: inout CodeBuffer
    ) {
        code.load(.w32, unit, Address(array, ObjectLayout.type))
        code.alu(.and, .w32, unit, immediate: Int32(TypeField.slotMask))
        code.shift(.shl, .w64, unit, immediate: UInt8(TypeField.recordSizeLog2))
        code.load(.w64, scratch, Address(context, ContextField.storeContext))
        code.alu(.add, .w64, unit, Address(scratch, StoreField.types))
        code.load(.w32, unit, Address(unit, TypeField.bytes))
        code.move(.w64, bytes, unit)
        code.imul(.w64, bytes, count)
        code.alu(.cmp, .w64, bytes, immediate: Self.shortBytes)
        code.jump(.a, back)
    }

    /// Puts into the target where the segment begins whose record is at `place`, if that has
    /// `count` bytes or elements from `offset` on.
    private func checkSegment(
        _ place: GPR, _ offset: GPR, _ count: GPR, otherwise other: Label,
        _ code: inout CodeBuffer
    ) {
        code.load(.w64, scratch, Address(context, index: place, 8))
        code.alu(.sub, .w64, scratch, count)
        code.jump(.b, other)
        code.alu(.cmp, .w64, offset, scratch)
        code.jump(.a, other)
        code.load(.w64, target, Address(context, index: place))
    }

    /// Puts into `result` where the element at `index` of `array` is, whose register is used up.
    private func address(
        _ result: GPR, _ array: GPR, _ index: GPR, _ code: inout CodeBuffer
    ) {
        code.imul(.w64, index, unit)
        code.lea(.w64, result, Address(array, index: index, Int32(ObjectLayout.headerBytes)))
    }

    /// The general way, for those who have lost the number of the function.
    private func goBack(
        _ back: Label, _ function: RuntimeFunction, _ labels: ShortBulkLabels,
        _ code: inout CodeBuffer
    ) {
        code.bind(back)
        code.moveImmediate(RuntimeCall.function, UInt64(function.rawValue))
        code.jump(labels.other)
    }
}
