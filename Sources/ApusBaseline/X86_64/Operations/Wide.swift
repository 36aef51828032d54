internal import ApusABI
internal import ApusAssembler
internal import ApusFormat

/// 128-bit arithmetic on pairs of i64, the low half first (the wide arithmetic proposal).
extension BaselineCompiler {
    mutating func translateWide(_ wide: WideOperator) {
        switch wide {
        case .add128: emitWideSum(.add, .adc)
        case .subtract128: emitWideSum(.sub, .sbb)
        case .multiplySigned: emitWideProduct(isSigned: true)
        case .multiplyUnsigned: emitWideProduct(isSigned: false)
        }
    }

    private mutating func emitWideSum(_ lowHalf: AluOp, _ highHalf: AluOp) {
        let rightHigh = take(pop())
        let rightLow = take(pop())
        let high = takeOwned(pop())
        let low = takeOwned(pop())
        code.alu(lowHalf, .w64, low, rightLow.register)
        code.alu(highHalf, .w64, high, rightHigh.register)
        release(rightLow)
        release(rightHigh)
        push(.i64, low)
        push(.i64, high)
    }

    /// The processor multiplies rax and leaves the product in rdx:rax.
    private mutating func emitWideProduct(isSigned: Bool) {
        let right = pop()
        let left = pop()
        let factor = CallingConvention.scratch
        load(right, into: factor)
        discard(right)
        if left.kind != .register || left.general != .rax {
            claim(.rax)
            load(left, into: .rax)
            discard(left)
        }
        claim(.rdx)
        if isSigned {
            code.multiplySigned(.w64, factor)
        } else {
            code.multiply(.w64, factor)
        }
        push(.i64, .rax)
        push(.i64, .rdx)
    }
}
