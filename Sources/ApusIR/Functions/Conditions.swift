/// How two integers or references compare.
public enum IntegerCondition: UInt16, CaseIterable, BitwiseCopyable, Sendable {
    case equal, notEqual
    case lessSigned, greaterOrEqualSigned, greaterSigned, lessOrEqualSigned
    case lessUnsigned, greaterOrEqualUnsigned, greaterUnsigned, lessOrEqualUnsigned

    /// Holds exactly when this one does not.
    @inline(__always)
    public var inverted: IntegerCondition { IntegerCondition(rawValue: rawValue ^ 1) ?? self }

    /// Holds for (b, a) exactly when this one holds for (a, b).
    public var swapped: IntegerCondition {
        switch self {
        case .equal, .notEqual: self
        case .lessSigned: .greaterSigned
        case .greaterSigned: .lessSigned
        case .lessOrEqualSigned: .greaterOrEqualSigned
        case .greaterOrEqualSigned: .lessOrEqualSigned
        case .lessUnsigned: .greaterUnsigned
        case .greaterUnsigned: .lessUnsigned
        case .lessOrEqualUnsigned: .greaterOrEqualUnsigned
        case .greaterOrEqualUnsigned: .lessOrEqualUnsigned
        }
    }
}

/// How two floats compare. The first six are false if either is a NaN, except `notEqual`; the
/// last four are the inverses of the orders, true if either is a NaN.
public enum FloatCondition: UInt16, CaseIterable, BitwiseCopyable, Sendable {
    case equal, notEqual
    case less, notLess
    case greater, notGreater
    case lessOrEqual, notLessOrEqual
    case greaterOrEqual, notGreaterOrEqual

    /// Holds exactly when this one does not.
    @inline(__always)
    public var inverted: FloatCondition { FloatCondition(rawValue: rawValue ^ 1) ?? self }

    /// Holds for (b, a) exactly when this one holds for (a, b).
    public var swapped: FloatCondition {
        switch self {
        case .equal, .notEqual: self
        case .less: .greater
        case .notLess: .notGreater
        case .greater: .less
        case .notGreater: .notLess
        case .lessOrEqual: .greaterOrEqual
        case .notLessOrEqual: .notGreaterOrEqual
        case .greaterOrEqual: .lessOrEqual
        case .notGreaterOrEqual: .notLessOrEqual
        }
    }
}
