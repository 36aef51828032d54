/// Vectors of 128 bits. Instructions use AVX if `useAVX` says so, else SSE4.1, and then memory
/// operands of 16 bytes must be aligned; instructions that only AVX has set `hasFailed`.
///
/// Without AVX the destination is also the first source, which is arranged as for scalar floats.
extension CodeBuffer {
    /// `destination = a op b`.
    public mutating func vector(_ op: VectorOp, _ destination: XMM, _ a: XMM, _ b: XMM) {
        require(op.needs)
        binary(op.row, destination, a, b, isCommutative: false)
    }

    /// `destination = a op [address]`.
    public mutating func vector(
        _ op: VectorOp, _ destination: XMM, _ a: XMM, _ address: Address
    ) {
        require(op.needs)
        binary(op.row, destination, a, address)
    }

    /// `destination = op source`.
    public mutating func vector(_ op: VectorUnaryOp, _ destination: XMM, _ source: XMM) {
        require(op.needs)
        emitVector(op.row, reg: destination.code, rm: source.code)
    }

    /// `destination = op [address]`.
    public mutating func vector(_ op: VectorUnaryOp, _ destination: XMM, _ address: Address) {
        require(op.needs)
        emitVector(op.row, reg: destination.code, address)
    }

    /// `destination = a op b`, as `immediate` says.
    public mutating func vector(
        _ op: VectorImmediateOp, _ destination: XMM, _ a: XMM, _ b: XMM, immediate: UInt8
    ) {
        require(op.needs)
        if useAVX {
            emitVector(
                op.row, reg: destination.code, first: a.code, rm: b.code, byte: immediate)
        } else {
            let target = prepareFirst(destination, a, b)
            emitVector(op.row, reg: target.code, rm: b.code, byte: immediate)
            if target != destination { move(destination, target) }
        }
    }

    /// `destination = a op [address]`, as `immediate` says.
    public mutating func vector(
        _ op: VectorImmediateOp, _ destination: XMM, _ a: XMM, _ address: Address,
        immediate: UInt8
    ) {
        require(op.needs)
        if !useAVX, destination != a { move(destination, a) }
        emitVector(op.row, reg: destination.code, first: a.code, address, byte: immediate)
    }

    /// `destination = op source`, as `immediate` says.
    public mutating func vector(
        _ op: VectorUnaryImmediateOp, _ destination: XMM, _ source: XMM, immediate: UInt8
    ) {
        require(op.needs)
        emitVector(op.row, reg: destination.code, rm: source.code, byte: immediate)
    }

    /// `destination = op [address]`, as `immediate` says.
    public mutating func vector(
        _ op: VectorUnaryImmediateOp, _ destination: XMM, _ address: Address, immediate: UInt8
    ) {
        require(op.needs)
        emitVector(op.row, reg: destination.code, address, byte: immediate)
    }

    /// `destination` = `a` shifted by `immediate`.
    public mutating func vector(
        _ op: VectorShiftOp, _ destination: XMM, _ a: XMM, immediate: UInt8
    ) {
        if useAVX {
            emitVector(
                op.row, reg: op.row.digit, first: destination.code, rm: a.code, byte: immediate)
        } else {
            if destination != a { move(destination, a) }
            emitVector(op.row, reg: op.row.digit, rm: destination.code, byte: immediate)
        }
    }

    /// `destination` = the highest bits of the lanes of `source`, zero-extended to 64 bits.
    public mutating func vector(_ op: VectorMaskOp, _ destination: GPR, _ source: XMM) {
        emitVector(op.row, reg: destination.code, rm: source.code)
    }

    /// `destination` = lanes of `b` where the highest bit of `mask` is set, else of `a`. Without
    /// AVX the mask must be xmm0 and the destination another register, else `hasFailed`.
    public mutating func vector(
        _ op: VectorBlendOp, _ destination: XMM, _ a: XMM, _ b: XMM, mask: XMM
    ) {
        if useAVX {
            emitVector(
                op.row, reg: destination.code, first: a.code, rm: b.code,
                byte: mask.rawValue &<< 4)
        } else {
            guard mask == .xmm0, destination != .xmm0 else { return hasFailed = true }
            let target = prepareFirst(destination, a, b)
            emitVector(op.implicitRow, reg: target.code, rm: b.code)
            if target != destination { move(destination, target) }
        }
    }

    // MARK: Lanes

    /// `destination` = `a` with its lane number `lane` replaced by the low bits of `source`.
    public mutating func insertLane(
        _ width: Width, _ destination: XMM, _ a: XMM, _ source: GPR, lane: UInt8
    ) {
        if !useAVX, destination != a { move(destination, a) }
        let row = Self.insertion(width)
        emitVector(
            row, rex: width.rex, reg: destination.code, first: a.code, rm: source.code,
            byte: lane)
    }

    /// `destination` = `a` with its lane number `lane` replaced by `[address]`.
    public mutating func insertLane(
        _ width: Width, _ destination: XMM, _ a: XMM, _ address: Address, lane: UInt8
    ) {
        if !useAVX, destination != a { move(destination, a) }
        let row = Self.insertion(width)
        emitVector(
            row, rex: width.rex, reg: destination.code, first: a.code, address, byte: lane)
    }

    private static func insertion(_ width: Width) -> Row {
        switch width {
        case .w8: .insert8
        case .w16: .insert16
        case .w32, .w64: .insert32
        }
    }

    /// `destination` = lane number `lane` of `source`, zero-extended to 64 bits.
    public mutating func extractLane(
        _ width: Width, _ destination: GPR, _ source: XMM, lane: UInt8
    ) {
        switch width {
        case .w8: emitVector(.extract8, reg: source.code, rm: destination.code, byte: lane)
        case .w16: emitVector(.extract16, reg: destination.code, rm: source.code, byte: lane)
        case .w32, .w64:
            emitVector(
                .extract32, rex: width.rex, reg: source.code, rm: destination.code, byte: lane)
        }
    }

    /// `[address]` = lane number `lane` of `source`.
    public mutating func extractLane(
        _ width: Width, _ address: Address, _ source: XMM, lane: UInt8
    ) {
        let row: Row =
            switch width {
            case .w8: .extract8
            case .w16: .extract16ToMemory
            case .w32, .w64: .extract32
            }
        emitVector(row, rex: width.rex, reg: source.code, address, byte: lane)
    }

    /// Notes that an instruction without SSE form was asked for where AVX must not be used.
    @inline(__always)
    private mutating func require(_ needed: VectorExtension) {
        if needed.rawValue >= VectorExtension.avx.rawValue, !useAVX { hasFailed = true }
    }
}
