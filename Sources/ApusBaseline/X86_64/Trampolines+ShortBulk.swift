internal import ApusABI
internal import ApusAssembler

/// Short copies and fills, done by the stub through which the runtime is called: most of those
/// that programs do are shorter than the way to a C function and back.
///
/// Only what lies within the memories and is at most `shortBytes` long is done here, where nothing
/// has to be paid for or interrupted. All the rest, traps among it, goes the general way with all
/// registers as they were. The ranges are compared before they are touched; all that is copied is
/// read before anything is written, since they may overlap.
extension Trampolines {
    private static var shortBytes: Int32 { 128 }

    /// Where the stub goes for short operations.
    struct ShortBulkLabels {
        var copy: Label
        var fill: Label
        /// The general way.
        var other: Label
    }

    /// Goes to the label of the function that eax names, if it is one of those.
    func jumpToShortBulk(_ code: inout CodeBuffer) -> ShortBulkLabels {
        let labels = ShortBulkLabels(
            copy: code.makeLabel(), fill: code.makeLabel(), other: code.makeLabel())
        code.alu(
            .cmp, .w32, RuntimeCall.function,
            immediate: Int32(RuntimeFunction.memoryCopy.rawValue))
        code.jump(.e, labels.copy)
        code.alu(
            .cmp, .w32, RuntimeCall.function,
            immediate: Int32(RuntimeFunction.memoryFill.rawValue))
        code.jump(.e, labels.fill)
        code.bind(labels.other)
        return labels
    }

    /// What the labels stand for.
    func emitShortBulk(_ labels: ShortBulkLabels, _ code: inout CodeBuffer) {
        code.bind(labels.copy)
        emitShortCopy(otherwise: labels.other, &code)
        code.bind(labels.fill)
        emitShortFill(otherwise: labels.other, &code)
    }

    // Free besides the arguments, and rax, which the general way needs.
    private var target: GPR { .rdi }
    private var origin: GPR { .r10 }

    /// (places of both memories, destination, source, count)
    private func emitShortCopy(otherwise other: Label, _ code: inout CodeBuffer) {
        let count = RuntimeCall.argument(4)
        code.alu(.cmp, .w64, count, immediate: Self.shortBytes)
        code.jump(.a, other)
        findBytes(
            target, place: RuntimeCall.argument(0), address: RuntimeCall.argument(2), count: count,
            otherwise: other, &code)
        findBytes(
            origin, place: RuntimeCall.argument(1), address: RuntimeCall.argument(3), count: count,
            otherwise: other, &code)
        move(from: origin, count: count, &code)
    }

    /// (place of the memory, destination, value, which is in rcx, count)
    private func emitShortFill(otherwise other: Label, _ code: inout CodeBuffer) {
        let count = RuntimeCall.argument(3)
        code.alu(.cmp, .w64, count, immediate: Self.shortBytes)
        code.jump(.a, other)
        findBytes(
            target, place: RuntimeCall.argument(0), address: RuntimeCall.argument(1), count: count,
            otherwise: other, &code)
        // The byte sixteen times.
        code.moveZeroExtended(from: .w8, .rcx, .rcx)
        code.moveImmediate(origin, 0x0101_0101_0101_0101)
        code.imul(.w64, .rcx, origin)
        code.moveToFloat(.w64, .xmm0, .rcx)
        code.vector(.punpcklqdq, .xmm0, .xmm0, .xmm0)
        move(from: nil, count: count, &code)
    }

    /// Puts into `result` where the `count` bytes at `address` are, of the memory whose record is
    /// at `place` (`ContextLayout.memoryPlace`). Changes only `result` and the scratch.
    private func findBytes(
        _ result: GPR, place: GPR, address: GPR, count: GPR, otherwise other: Label,
        _ code: inout CodeBuffer
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
        code.alu(.cmp, .w64, address, scratch)
        code.jump(.a, other)
        code.load(.w64, result, Address(result))
        code.alu(.add, .w64, result, address)
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
