internal import ApusCollections

/// The shape of a vector constant and its bytes. Specification: 6.5.8.
struct VectorLiteral {
    var bytes: [UInt8] = []

    mutating func append(_ bits: UInt64, byteCount: Int) {
        for index in 0..<byteCount {
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * index)))
        }
    }
}

/// How the lanes of a vector are written.
struct LaneSyntax {
    var count: Int
    var byteCount: Int { 16 / count }
    /// Nil for integers.
    var format: FloatFormat?
    /// The type of a lane in messages.
    var what: String

    init?(_ keyword: Keyword?) {
        switch keyword {
        case .i8x16: self.init(16, nil, "i8")
        case .i16x8: self.init(8, nil, "i16")
        case .i32x4: self.init(4, nil, "i32")
        case .i64x2: self.init(2, nil, "i64")
        case .f32x4: self.init(4, .single, "f32")
        case .f64x2: self.init(2, .double, "f64")
        default: return nil
        }
    }

    private init(_ count: Int, _ format: FloatFormat?, _ what: String) {
        self.count = count
        self.format = format
        self.what = what
    }
}

extension TokenCursor {
    /// A shape and as many numbers as it has lanes.
    mutating func expectVector() throws(TextFault) -> VectorLiteral {
        guard let syntax = LaneSyntax(keyword) else { throw unexpected("the shape of a vector") }
        index &+= 1
        var vector = VectorLiteral()
        for _ in 0..<syntax.count {
            if isAtClosing {
                throw unexpected("\(syntax.count) lanes: wrong number of lane literals")
            }
            vector.append(try expectLane(syntax), byteCount: syntax.byteCount)
        }
        return vector
    }

    mutating func expectLane(_ syntax: LaneSyntax) throws(TextFault) -> UInt64 {
        if let format = syntax.format { return try expectFloat(format, syntax.what) }
        return try expectInteger(bits: UInt64(8 * syntax.byteCount), syntax.what)
    }
}
