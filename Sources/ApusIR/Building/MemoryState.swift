internal import ApusCollections

/// Which writes the code at hand is behind: a number for each kind of places, which changes with
/// each write. Two loads of a place with the same number in between give the same value.
public struct MemoryState: BitwiseCopyable, Equatable, Sendable {
    private var memory: UInt32 = 0
    private var memorySize: UInt32 = 0
    private var global: UInt32 = 0
    private var table: UInt32 = 0
    private var tableRecord: UInt32 = 0
    private var element: UInt32 = 0
    /// Of all fields, and of those at some displacements: what is greater holds.
    private var allFields: UInt32 = 0
    private var fields = SIMD16<UInt32>(repeating: 0)

    public init() {}

    /// Of the place that an access touches.
    @inline(__always)
    func version(_ access: MemoryAccess, at displacement: Int32) -> UInt32 {
        let alias = access.alias
        if alias != .field { return self[alias] }
        return max(allFields, fields[Self.group(displacement)])
    }

    /// Notes a write of the place that an access touches.
    @inline(__always)
    mutating func write(_ access: MemoryAccess, at displacement: Int32, _ version: UInt32) {
        if access.alias == .field {
            fields[Self.group(displacement)] = version
        } else {
            self[access.alias] = version
        }
    }

    /// Fields at displacements of the same group are taken for one.
    @inline(__always)
    private static func group(_ displacement: Int32) -> Int { Int(displacement &>> 2 & 15) }

    /// Goes on where control comes from here or from `other`: with each place that one of them has
    /// written and the other has not, `version` is greater than all there were.
    @inline(__always)
    mutating func merge(fieldsOf other: MemoryState, _ version: UInt32) {
        if allFields != other.allFields { allFields = version }
        fields.replace(with: SIMD16(repeating: version), where: fields .!= other.fields)
    }

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
            case .element: element
            case .field: allFields
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
            case .element: element = newValue
            case .field: allFields = newValue
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
    public static var all: AliasSet { .init(rawValue: 0b1111_1110) }
}
