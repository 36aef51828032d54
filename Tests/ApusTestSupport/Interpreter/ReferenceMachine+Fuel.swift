internal import ApusFormat

/// What instructions cost in metered engines, counted one by one.
extension ReferenceMachine {
    func pay(for operation: Operation) {
        switch operation {
        case .nop, .block, .loop, .else, .end: break
        default: store.spentFuel += 1
        }
    }

    /// What a bulk instruction costs for its size, if it succeeds. Its count is on top of the
    /// stack.
    func sizeCost(of operation: Operation) -> Int {
        let count = stack.last?.low ?? 0
        switch operation {
        case .memoryFill, .memoryCopy, .memoryInit: return Int(count / 64)
        case .tableFill, .tableCopy, .tableInit, .tableGrow: return Int(count / 8)
        default: return 0
        }
    }
}
