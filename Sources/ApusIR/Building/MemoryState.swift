/// Which writes the code at hand is behind: a number for each kind of places, which changes with
/// each write. Two loads of a place with the same number in between give the same value.
public struct MemoryState: BitwiseCopyable, Equatable, Sendable {
    private var memory: UInt32 = 0
    private var memorySize: UInt32 = 0
    private var global: UInt32 = 0
    private var table: UInt32 = 0
    private var tableRecord: UInt32 = 0

    public init() {}

    @inline(__always)
    subscript(alias: AliasClass) -> UInt32 {
        get {
            switch alias {
            case .constant: 0
            case .memory: memory
            case .memorySize: memorySize
            case .global: global
            case .table: table
            case .tableRecord: tableRecord
            }
        }
        set {
            switch alias {
            case .constant: break
            case .memory: memory = newValue
            case .memorySize: memorySize = newValue
            case .global: global = newValue
            case .table: table = newValue
            case .tableRecord: tableRecord = newValue
            }
        }
    }
}

/// Kinds of places, as what a call or a loop may change.
public struct AliasSet: OptionSet, BitwiseCopyable, Sendable {
    public let rawValue: UInt8

    @inline(__always)
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    @inline(__always)
    public init(_ alias: AliasClass) { rawValue = alias.mask }

    /// Whatever can change at all.
    public static var all: AliasSet { .init(rawValue: 0b11_1110) }
}
