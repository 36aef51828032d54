internal import ApusABI
internal import ApusAssembler
internal import ApusCollections

/// Short copies and fills of memories, tables and arrays, done by the stub through which the
/// runtime is called: most of those that programs do are shorter than the way to a C function and
/// back.
///
/// Only what lies within them and is at most `shortBytes` long is done here, where nothing has to
/// be paid for or interrupted. All the rest, traps among it, goes the general way with all
/// registers as they were. The ranges are compared before they are touched; all that is copied is
/// read before anything is written, since they may overlap.
extension Trampolines {
    static var shortBytes: Int32 { 128 }

    /// What is copied or filled.
    private enum Units {
        case bytes, elements

        /// Of one, as a power of two.
        var sizeLog2: UInt8 { self == .bytes ? 0 : 3 }
    }

    /// Where the stub goes for short operations.
    struct ShortBulkLabels {
        var copy: Label
        var fill: Label
        var tableCopy: Label
        var tableFill: Label
        var arrayCopy: Label
        var arrayFill: Label
        var arrayInitData: Label
        var arrayInitElements: Label
        /// The general way.
        var other: Label
        /// Where as many bytes are moved as the last argument says that there is: with the place of
        /// the source in `origin`, or with the bytes over and over in xmm0 and rcx.
        var copyBytes: Label
        var fillBytes: Label
    }

    /// Goes to the label of the function that eax names, if it is one of those.
    func jumpToShortBulk(_ code: inout CodeBuffer) -> ShortBulkLabels {
        let labels = ShortBulkLabels(
            copy: code.makeLabel(), fill: code.makeLabel(), tableCopy: code.makeLabel(),
            tableFill: code.makeLabel(), arrayCopy: code.makeLabel(),
            arrayFill: code.makeLabel(), arrayInitData: code.makeLabel(),
            arrayInitElements: code.makeLabel(), other: code.makeLabel(),
            copyBytes: code.makeLabel(), fillBytes: code.makeLabel())
        let targets: [(RuntimeFunction, Label)] = [
            (.memoryCopy, labels.copy), (.memoryFill, labels.fill),
            (.tableCopy, labels.tableCopy), (.tableFill, labels.tableFill),
            (.arrayCopy, labels.arrayCopy), (.arrayFill, labels.arrayFill),
            (.arrayInitData, labels.arrayInitData),
            (.arrayInitElements, labels.arrayInitElements),
        ]
        for (function, label) in targets {
            code.alu(
                .cmp, .w32, RuntimeCall.function, immediate: Int32(function.rawValue))
            code.jump(.e, label)
        }
        code.bind(labels.other)
        return labels
    }

    /// What the labels stand for.
    func emitShortBulk(_ labels: ShortBulkLabels, _ code: inout CodeBuffer) {
        code.bind(labels.copy)
        emitShortCopy(.bytes, labels, &code)
        code.bind(labels.copyBytes)
        move(from: origin, count: RuntimeCall.argument(4), &code)
        code.bind(labels.fill)
        emitShortFill(.bytes, labels, &code)
        code.bind(labels.fillBytes)
        move(from: nil, count: RuntimeCall.argument(3), &code)
        code.bind(labels.tableCopy)
        emitShortCopy(.elements, labels, &code)
        code.bind(labels.tableFill)
        emitShortFill(.elements, labels, &code)
        emitShortArrays(labels, &code)
    }

    // Free besides the arguments, and rax, which the general way needs.
    var target: GPR { .rdi }
    var origin: GPR { .r10 }

    /// (places of both, destination, source, count)
    private func emitShortCopy(
        _ units: Units, _ labels: ShortBulkLabels, _ code: inout CodeBuffer
    ) {
        let argument = RuntimeCall.argument
        let other = labels.other
        let count = argument(4)
        code.alu(.cmp, .w64, count, immediate: Self.shortBytes &>> Int32(units.sizeLog2))
        code.jump(.a, other)
        find(
            units, target, place: argument(0), index: argument(2), count: count, otherwise: other,
            &code)
        find(
            units, origin, place: argument(1), index: argument(3), count: count, otherwise: other,
            &code)
        if units == .elements {
            code.shift(.shl, .w32, count, immediate: units.sizeLog2)
            code.jump(labels.copyBytes)
        }
    }

    /// (place, destination, value, which is in rcx, count)
    private func emitShortFill(
        _ units: Units, _ labels: ShortBulkLabels, _ code: inout CodeBuffer
    ) {
        let argument = RuntimeCall.argument
        let other = labels.other
        let count = argument(3)
        code.alu(.cmp, .w64, count, immediate: Self.shortBytes &>> Int32(units.sizeLog2))
        code.jump(.a, other)
        find(
            units, target, place: argument(0), index: argument(1), count: count, otherwise: other,
            &code)
        if units == .elements {
            code.shift(.shl, .w32, count, immediate: units.sizeLog2)
        } else {
            // The byte eight times.
            code.moveZeroExtended(from: .w8, .rcx, .rcx)
            code.moveImmediate(origin, 0x0101_0101_0101_0101)
            code.imul(.w64, .rcx, origin)
        }
        spreadFilling(&code)
        if units == .elements { code.jump(labels.fillBytes) }
    }

    /// Puts what rcx holds into xmm0, twice.
    func spreadFilling(_ code: inout CodeBuffer) {
        code.moveToFloat(.w64, .xmm0, .rcx)
        code.vector(.punpcklqdq, .xmm0, .xmm0, .xmm0)
    }

    /// Puts into `result` where the `count` bytes or elements from `index` on are, of the memory
    /// or table whose record is at `place` (`ContextLayout.memoryPlace`, `tablePlace`). Changes
    /// only `result` and the scratch.
    private func find(
        _ units: Units, _ result: GPR, place: GPR, index: GPR, count: GPR,
        otherwise other: Label, _ code: inout CodeBuffer
    ) {
        let isHere = code.makeLabel()
        code.lea(.w64, result, Address(context, index: place))
        code.test(.w8, place, immediate: 1)
        code.jump(.e, isHere, near: true)
        code.load(.w64, result, Address(result, -1))
        code.bind(isHere)
        code.load(.w64, scratch, Address(result, 8))
        code.alu(.sub, .w64, scratch, count)
        code.jump(.b, other)
        code.alu(.cmp, .w64, index, scratch)
        code.jump(.a, other)
        code.load(.w64, result, Address(result))
        if units == .bytes {
            code.alu(.add, .w64, result, index)
        } else {
            code.lea(.w64, result, Address(result, index: index, scale: 8))
        }
    }

    /// Moves `count` bytes to the target and returns: those at `source`, or without one those of
    /// xmm0 and rcx, over and over. Two pieces from each end cover a length of up to four.
    private func move(from source: GPR?, count: GPR, _ code: inout CodeBuffer) {
        let bound64 = code.makeLabel()
        let bound32 = code.makeLabel()
        let below16 = code.makeLabel()
        code.alu(.cmp, .w32, count, immediate: 16)
        code.jump(.b, below16)
        code.alu(.cmp, .w32, count, immediate: 32)
        code.jump(.be, bound32)
        code.alu(.cmp, .w32, count, immediate: 64)
        code.jump(.be, bound64)
        moveVectors(4, from: source, count: count, &code)
        code.bind(bound64)
        moveVectors(2, from: source, count: count, &code)
        code.bind(bound32)
        moveVectors(1, from: source, count: count, &code)
        code.bind(below16)
        for width in [Width.w64, .w32, .w16, .w8] {
            let shorter = code.makeLabel()
            code.alu(.cmp, .w32, count, immediate: width.bytes)
            code.jump(.b, shorter, near: true)
            moveEnds(width, from: source, count: count, &code)
            code.bind(shorter)
        }
        code.ret()
    }

    /// Moves `pieces` vectors from the start and as many up to the end, and returns.
    private func moveVectors(
        _ pieces: Int32, from source: GPR?, count: GPR, _ code: inout CodeBuffer
    ) {
        var displacements: [(isFromEnd: Bool, bytes: Int32)] = []
        for piece in 0..<pieces { displacements.append((false, 16 * piece)) }
        for piece in 0..<pieces { displacements.append((true, -16 * (piece + 1))) }
        func address(_ base: GPR, _ place: (isFromEnd: Bool, bytes: Int32)) -> Address {
            place.isFromEnd ? Address(base, index: count, place.bytes) : Address(base, place.bytes)
        }
        if let source {
            for (index, place) in displacements.enumerated() {
                code.loadVector(CallingConvention.floatArgument(index), address(source, place))
            }
        }
        for (index, place) in displacements.enumerated() {
            let value = source == nil ? .xmm0 : CallingConvention.floatArgument(index)
            code.storeVector(address(target, place), value)
        }
        code.ret()
    }

    /// Moves what is as long as `width` at the start and at the end, and returns.
    private func moveEnds(
        _ width: Width, from source: GPR?, count: GPR, _ code: inout CodeBuffer
    ) {
        var last = GPR.rcx
        if let source {
            last = .rdx
            code.loadZeroExtended(from: width, .rcx, Address(source))
            code.loadZeroExtended(from: width, last, Address(source, index: count, -width.bytes))
        }
        code.store(width, Address(target), .rcx)
        code.store(width, Address(target, index: count, -width.bytes), last)
        code.ret()
    }
}

extension Width {
    fileprivate var bytes: Int32 {
        switch self {
        case .w8: 1
        case .w16: 2
        case .w32: 4
        case .w64: 8
        }
    }
}
