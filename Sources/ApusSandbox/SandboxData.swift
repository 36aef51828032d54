/// What goes in and out of a guest: one of the kinds of values that Swift and guests share.
public enum SandboxData: Hashable, Sendable {
    /// An i32 or i64, whichever the function has, signed or unsigned. It must fit.
    case integer(Int128)
    /// An f64, or an f32 that is rounded to.
    case number(Double)
    /// Bytes in the guest's memory: for the function two integers, where they are and how many.
    case bytes([UInt8])
}

/// A Swift value that can be passed to a guest.
public protocol SandboxArgument: Sendable {
    /// What the guest gets.
    var sandboxData: SandboxData { get }
}

/// A Swift type that a guest's result can become.
public protocol SandboxResult: Sendable {
    /// Whether the function gives bytes: an i64 with the address in its upper half and the number
    /// in its lower one, or both as two integers. If not it gives a number.
    static var isBytes: Bool { get }

    /// Whether the bits of a result are those of a number without a sign: functions do not tell.
    static var isUnsigned: Bool { get }

    /// The value that `data` stands for; nil if it is none of this type.
    init?(sandboxData data: SandboxData)
}

extension SandboxResult {
    public static var isBytes: Bool { false }
    public static var isUnsigned: Bool { false }
}

extension SandboxArgument where Self: FixedWidthInteger {
    /// The number. One that is too large for `SandboxData` is still too large for any function.
    public var sandboxData: SandboxData { .integer(Int128(clamping: self)) }
}

extension SandboxResult where Self: FixedWidthInteger {
    public static var isUnsigned: Bool { !isSigned }

    /// The value that `data` stands for; nil if it is none of this type.
    public init?(sandboxData data: SandboxData) {
        guard case .integer(let value) = data else { return nil }
        self.init(exactly: value)
    }
}

extension Int: SandboxArgument, SandboxResult {}
extension Int8: SandboxArgument, SandboxResult {}
extension Int16: SandboxArgument, SandboxResult {}
extension Int32: SandboxArgument, SandboxResult {}
extension Int64: SandboxArgument, SandboxResult {}
extension UInt: SandboxArgument, SandboxResult {}
extension UInt8: SandboxArgument, SandboxResult {}
extension UInt16: SandboxArgument, SandboxResult {}
extension UInt32: SandboxArgument, SandboxResult {}
extension UInt64: SandboxArgument, SandboxResult {}

extension Bool: SandboxArgument, SandboxResult {
    public var sandboxData: SandboxData { .integer(self ? 1 : 0) }

    /// The value that `data` stands for; nil if it is none of this type.
    public init?(sandboxData data: SandboxData) {
        guard case .integer(let value) = data else { return nil }
        self = value != 0
    }
}

extension Double: SandboxArgument, SandboxResult {
    public var sandboxData: SandboxData { .number(self) }

    /// The value that `data` stands for; nil if it is none of this type.
    public init?(sandboxData data: SandboxData) {
        guard case .number(let value) = data else { return nil }
        self = value
    }
}

extension Float: SandboxArgument, SandboxResult {
    public var sandboxData: SandboxData { .number(Double(self)) }

    /// The value that `data` stands for; nil if it is none of this type.
    public init?(sandboxData data: SandboxData) {
        guard case .number(let value) = data else { return nil }
        self = Float(value)
    }
}

extension String: SandboxArgument, SandboxResult {
    public static var isBytes: Bool { true }
    public var sandboxData: SandboxData { .bytes(Array(utf8)) }

    /// The value that `data` stands for; nil if it is none of this type.
    public init?(sandboxData data: SandboxData) {
        guard case .bytes(let bytes) = data,
            let text = String(validating: bytes, as: UTF8.self)
        else { return nil }
        self = text
    }
}

extension [UInt8]: SandboxArgument, SandboxResult {
    public static var isBytes: Bool { true }
    public var sandboxData: SandboxData { .bytes(self) }

    /// The value that `data` stands for; nil if it is none of this type.
    public init?(sandboxData data: SandboxData) {
        guard case .bytes(let bytes) = data else { return nil }
        self = bytes
    }
}
