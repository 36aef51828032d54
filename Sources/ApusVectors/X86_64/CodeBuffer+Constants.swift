public import ApusAssembler

extension CodeBuffer {
    /// The constant in the function's pool, aligned.
    public mutating func pooled(_ constant: VectorConstant) -> Address {
        Address(constant: constant128(constant.low, constant.high))
    }

    /// `destination` = `constant`, without a load if that is possible. Keeps the flags.
    public mutating func load(_ constant: VectorConstant, into destination: XMM) {
        if constant.isZero {
            vector(.pxor, destination, destination, destination)
        } else if constant.isAllOnes {
            vector(.pcmpeqd, destination, destination, destination)
        } else {
            loadVector(destination, pooled(constant), aligned: true)
        }
    }
}
