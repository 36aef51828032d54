import ApusABI
import ApusAssembler
import ApusCollections
import Testing

@testable import ApusOptimizer

/// A function made by hand that returns, or lands in a handler of the function that calls it, as
/// the runtime does with an exception (`docs/abi.md`, “Exceptions”): which of them its first
/// argument says, 0 for none. It leaves nothing in any register that need not be there.
///
/// From its second argument x it makes its results, x + 1, x + 2 and so on, and x as a float, or
/// the exception, x + 100 for the first handler, x + 200 for the second.
struct ThrowingCallee {
    var selector = GPR.rdi
    var value = GPR.rsi
    /// Of its stack arguments, the last one being the address of the result area.
    var stackBytes: Int32 = 0
    /// How many results are in the area.
    var stackResults: Int32 = 0

    /// The words of the context that say how deep the stack was when it was called first, and 0 if
    /// that was the same each time.
    static var depth: Int32 { Int32(NativeFunction.memoryOffset) }
    static var isDeeper: Int32 { depth + 8 }

    private static var kept: [GPR] { [.rbx, .r12, .r13, .r14] }
    private static var junk: UInt64 { 0xDEAD_0000_BEEF_0000 }

    /// Appends it to `batch`, whose first function calls it.
    func append(to batch: inout CodeBatch) {
        let index = batch.functions.count
        let landings = landings(in: batch, calling: UInt32(index))
        batch.code.align(to: 16)
        batch.code.resetLabels()
        var function = CompiledFunction(
            index: UInt32(index), codeStart: batch.code.count, behind: batch.sites,
            relocationCount: batch.relocations.count)
        emit(landings, &batch.code)
        function.end(
            codeEnd: batch.code.count, batch.sites, relocationCount: batch.relocations.count)
        batch.functions.append(function)
    }

    /// Where the handlers land of the call of this function by the first one, in the batch's code:
    /// that is the call of function `index`, or if there is none, the only one with handlers.
    private func landings(in batch: borrowing CodeBatch, calling index: UInt32) -> [Int] {
        let function = batch.functions[0]
        var returns: UInt32?
        for place in 0..<Int(function.relocationCount) {
            let call = batch.relocations[Int(function.relocationStart) + place]
            if call.function == index { returns = call.codeOffset + 4 }
        }
        var landings: [Int] = []
        for place in 0..<Int(function.callCount) {
            let site = batch.sites.calls[Int(function.callStart) + place]
            guard site.handlers != nil, returns == nil || site.codeOffset == returns else {
                continue
            }
            batch.sites.forEachHandler(of: site, in: function) {
                landings.append(Int(function.codeStart + $0.landingOffset))
            }
        }
        #expect(!landings.isEmpty)
        return landings
    }

    private func emit(_ landings: [Int], _ code: inout CodeBuffer) {
        noteDepth(&code)
        code.push(.rbp)
        code.move(.w64, .rbp, .rsp)
        for register in Self.kept { code.push(register) }
        code.move(.w64, .r10, selector)
        code.move(.w64, .r11, value)
        fillWithJunk(&code)
        let labels = landings.map { _ in code.makeLabel() }
        for (index, label) in labels.enumerated() {
            code.alu(.cmp, .w64, .r10, immediate: Int32(index + 1))
            code.jump(.e, label)
        }
        emitReturn(&code)
        for (index, label) in labels.enumerated() {
            code.bind(label)
            code.lea(.w64, CallingConvention.exception, Address(.r11, Int32(100 * (index + 1))))
            code.move(.w64, .r10, .rcx)
            code.move(.w64, CallingConvention.context, .rcx)
            for (place, register) in Self.kept.enumerated() {
                code.load(.w64, register, Address(.rbp, Int32(-8 * (place + 1))))
            }
            code.load(.w64, .rbp, Address(.rbp, FrameLayout.callerFrame))
            code.restoreContext()
            let place = code.jumpRelative()
            let distance = Int32(truncatingIfNeeded: landings[index] - place - 4)
            code.patch32(at: place, UInt32(bitPattern: distance))
        }
    }

    private func noteDepth(_ code: inout CodeBuffer) {
        let isKnown = code.makeLabel()
        let context = CallingConvention.context
        code.load(.w64, .r11, Address(context, Self.depth))
        code.test(.w64, .r11, .r11)
        code.jump(.ne, isKnown)
        code.store(.w64, Address(context, Self.depth), .rsp)
        code.move(.w64, .r11, .rsp)
        code.bind(isKnown)
        code.alu(.sub, .w64, .r11, .rsp)
        code.alu(.or, .w64, Address(context, Self.isDeeper), .r11)
    }

    private func fillWithJunk(_ code: inout CodeBuffer) {
        let registers: [GPR] = [
            .rax, .rcx, .rdx, .rbx, .rsi, .rdi, .r8, .r9, .r12, .r13, .r14,
        ]
        for register in registers { code.moveImmediate(register, Self.junk) }
        for number in 0..<16 as Range<UInt8> {
            code.moveToFloat(.w64, XMM(rawValue: number) ?? .xmm0, .rbx)
        }
    }

    private func emitReturn(_ code: inout CodeBuffer) {
        if stackResults > 0 {
            let offset = CallingConvention.resultPointerOffset(in: stackBytes)
            code.load(.w64, .rdi, Address(.rbp, FrameLayout.stackArguments + offset))
            let first = Int32(CallingConvention.generalResultCount) + 1
            for index in 0..<stackResults {
                code.lea(.w64, .rax, Address(.r11, first + index))
                code.store(.w64, Address(.rdi, 8 * index), .rax)
            }
        }
        for index in 0..<CallingConvention.generalResultCount {
            code.lea(
                .w64, CallingConvention.generalResult(index), Address(.r11, Int32(index) + 1))
        }
        code.moveToFloat(.w64, .xmm0, .r11)
        for register in Self.kept.reversed() { code.pop(register) }
        code.pop(.rbp)
        if stackBytes > 0 {
            code.ret(pop: UInt16(stackBytes))
        } else {
            code.ret()
        }
    }
}
