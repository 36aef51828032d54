internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat
internal import ApusVectors

/// `i8x16.shuffle`, as `ShufflePlan` says.
extension BaselineCompiler {
    mutating func translateShuffle() {
        let lanes = ShuffleLanes(low: reader.readFloat64Bits(), high: reader.readFloat64Bits())
        let right = pop()
        let left = pop()
        var known: ShufflePlan.Operands = []
        if left.kind == .local, right.kind == .local, left.index == right.index {
            known.insert(.isSame)
        }
        if isZeroVector(left) { known.insert(.isFirstZero) }
        if isZeroVector(right) { known.insert(.isSecondZero) }
        let plan = ShufflePlan(lanes, known, vectorOptions)
        let a = plan.takesSecondAsA ? right : left
        let b = plan.takesSecondAsB ? right : left
        if plan.takesSecondAsA == plan.takesSecondAsB {
            discard(plan.takesSecondAsA ? left : right)
        }
        switch plan.method {
        case .plan(let method):
            plan.takesSecondAsA == plan.takesSecondAsB
                ? perform(method, a) : perform(method, a, b)
        case .lookup(let table):
            let a = takeFloat(a)
            let result = destination(reusing: a)
            code.vector(.pshufb, result.float, a.register, code.pooled(table))
            finish(result, .v128, freeing: a)
        case .lookups(let first, let second):
            let a = takeFloat(a)
            let b = takeFloat(b)
            let target = allocateFloat()
            code.lookUp(
                target, a.register, first, b.register, second, scratch: scratchVector)
            release(a)
            release(b)
            push(.v128, target)
        }
    }

    private mutating func isZeroVector(_ operand: Operand) -> Bool {
        operand.isConstant && vectorConstants[Int(operand.bits)].isZero
    }
}
