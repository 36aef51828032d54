public import ApusAssembler
public import ApusFormat

/// Between lanes and registers, and tests of lanes.
extension CodeBuffer {
    /// `destination` = all lanes of `shape`, which has integers, with the low bits of `source`.
    public mutating func splat(
        _ shape: VectorShape, _ destination: XMM, _ source: GPR, scratch: XMM,
        _ options: VectorOptions
    ) {
        let broadcasts = options.contains(.avx2)
        moveToFloat(shape == .i64x2 ? .w64 : .w32, destination, source)
        switch shape {
        case .i8x16 where broadcasts: vector(.vpbroadcastb, destination, destination)
        case .i8x16:
            vector(.pxor, scratch, scratch, scratch)
            vector(.pshufb, destination, destination, scratch)
        case .i16x8 where broadcasts: vector(.vpbroadcastw, destination, destination)
        case .i16x8:
            vector(.pshuflw, destination, destination, immediate: 0)
            vector(.pshufd, destination, destination, immediate: 0)
        case .i32x4, .f32x4: vector(.pshufd, destination, destination, immediate: 0)
        case .i64x2, .f64x2: vector(.pshufd, destination, destination, immediate: 0x44)
        }
    }

    /// `destination` = `a` with its lane number `lane` of `shape`, which has floats, replaced by
    /// the first lane of `b`.
    public mutating func insertFloat(
        _ shape: VectorShape, _ destination: XMM, _ a: XMM, _ b: XMM, lane: UInt8
    ) {
        switch (shape, lane) {
        case (.f32x4, 0): vector(.blendps, destination, a, b, immediate: 1)
        case (.f32x4, _): vector(.insertps, destination, a, b, immediate: lane &<< 4)
        case (_, 0): vector(.blendpd, destination, a, b, immediate: 1)
        default: vector(.movlhps, destination, a, b)
        }
    }

    /// `destination` = bytes of `a` by the table `first`, and of `b` by the table `second`: see
    /// `ShufflePlan`. The destination may be `a` or `b`.
    public mutating func lookUp(
        _ destination: XMM, _ a: XMM, _ first: VectorConstant, _ b: XMM, _ second: VectorConstant,
        scratch: XMM
    ) {
        vector(.pshufb, scratch, a, pooled(first))
        vector(.pshufb, destination, b, pooled(second))
        vector(.por, destination, destination, scratch)
    }

    /// `destination` = the highest bits of the lanes of `source`.
    public mutating func bitmask(
        _ shape: VectorShape, _ destination: GPR, _ source: XMM, scratch: XMM
    ) {
        switch shape {
        case .i8x16: vector(.pmovmskb, destination, source)
        case .i16x8:
            vector(.packsswb, scratch, source, source)
            vector(.pmovmskb, destination, scratch)
            moveZeroExtended(from: .w8, destination, destination)
        case .i32x4, .f32x4: vector(.movmskps, destination, source)
        case .i64x2, .f64x2: vector(.movmskpd, destination, source)
        }
    }

    /// Sets ZF if no lane of `source` is zero.
    public mutating func testAllTrue(_ shape: VectorShape, _ source: XMM, scratch: XMM) {
        vector(.pxor, scratch, scratch, scratch)
        vector(shape.equalOp, scratch, scratch, source)
        vector(.ptest, scratch, scratch)
    }

    /// `destination` = what `load` makes of the bytes at `address`. The first instruction is the
    /// one that reads them.
    public mutating func loadVector(
        _ load: VectorLoad, _ destination: XMM, _ address: Address, general: GPR, scratch: XMM,
        _ options: VectorOptions
    ) {
        switch load {
        case .full: loadVector(destination, address)
        case .extend8x8Signed: vector(.pmovsxbw, destination, address)
        case .extend8x8Unsigned: vector(.pmovzxbw, destination, address)
        case .extend16x4Signed: vector(.pmovsxwd, destination, address)
        case .extend16x4Unsigned: vector(.pmovzxwd, destination, address)
        case .extend32x2Signed: vector(.pmovsxdq, destination, address)
        case .extend32x2Unsigned: vector(.pmovzxdq, destination, address)
        case .splat8 where options.contains(.avx2): vector(.vpbroadcastb, destination, address)
        case .splat16 where options.contains(.avx2): vector(.vpbroadcastw, destination, address)
        case .splat8, .splat16:
            loadZeroExtended(from: load == .splat8 ? .w8 : .w16, general, address)
            splat(
                load == .splat8 ? .i8x16 : .i16x8, destination, general, scratch: scratch, options)
        case .splat32 where options.contains(.avx): vector(.vbroadcastss, destination, address)
        case .splat32:
            loadFloat(.f32, destination, address)
            vector(.pshufd, destination, destination, immediate: 0)
        case .splat64: vector(.movddup, destination, address)
        case .zero32: loadFloat(.f32, destination, address)
        case .zero64: loadFloat(.f64, destination, address)
        }
    }
}
