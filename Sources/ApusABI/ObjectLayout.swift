internal import ApusCollections
public import ApusFormat

/// How structures and arrays lie in a store's heap (`apus_object`).
///
/// An object begins at a multiple of 16 with a header of 8 bytes: the id of its type, and the
/// length of an array. Fields follow in the order of their type, each at a multiple of its size, at
/// most 8: so those of a supertype lie where they lie in it. References take 8 bytes, as
/// everywhere.
public enum ObjectLayout {
    /// From the object's address.
    public static var type: Int32 { 0 }
    public static var length: Int32 { 4 }
    /// Where the first field or element is, at the earliest.
    public static var headerBytes: Int { 8 }
    /// Objects begin at multiples of this.
    public static var granuleBytes: Int { 1 << granuleShift }
    public static var granuleShift: Int { 4 }
    /// What compiled code makes itself, where there is room for it; larger ones the runtime makes.
    public static var inlineBytes: Int { 2048 }
    /// Addresses below are never accessible: reading a field below this of null faults.
    public static var faultingBytes: Int32 { 4096 }
    /// What the mark of an object is when it has been made.
    public static var newMark: UInt8 { 1 }

    /// In the lowest bits of a word: of an integer of 31 bits, which lies above it, the first one.
    public static var integerBit: Int32 { 1 }
    /// Of the handle of a host object both are this, of an object or null neither is set.
    public static var handleTag: Int32 { 2 }
    public static var tagMask: Int32 { 3 }

    /// Bytes of a field or element that holds `storage`.
    @inline(__always)
    public static func bytes(of storage: ValueType) -> Int { 1 << bytesLog2(of: storage) }

    /// Its binary logarithm.
    public static func bytesLog2(of storage: ValueType) -> Int {
        switch storage {
        case .i8: 0
        case .i16: 1
        case .i32, .f32: 2
        case .v128: 4
        default: 3
        }
    }

    /// Bytes of the object whose fields end at `end`.
    @inline(__always)
    public static func objectBytes(_ end: Int) -> Int {
        (end &+ granuleBytes &- 1) & ~(granuleBytes &- 1)
    }

    /// Where a field of a structure is whose fields before it end at `end`.
    public static func offset(of storage: ValueType, after end: Int) -> Int {
        let alignment = min(bytes(of: storage), 8)
        return (end &+ alignment &- 1) & ~(alignment &- 1)
    }

    /// Whether the collector follows what a field of this type holds: objects, and handles of the
    /// host's.
    public static func isTraced(
        _ storage: ValueType, in types: borrowing some TypeHierarchy & ~Copyable
    ) -> Bool {
        guard storage.isReference else { return false }
        return storage.heapType.top(in: types).map { $0 != .func } ?? false
    }
}

/// Where the fields of a module's structures and arrays are.
public struct AggregateLayouts: Sendable {
    /// A field of a structure, or an array's elements.
    public struct Field: BitwiseCopyable, Sendable {
        public var storage: ValueType
        /// From the object's address; of elements, where the first one is.
        public var offset: Int32
    }

    /// By type, where its fields begin in `fields`; one more for the end.
    private var starts: [Int32] = []
    private var fields: [Field] = []
    /// By type, bytes of a structure.
    private var sizes: [Int32] = []

    /// Those of a module's types.
    public init(_ types: ModuleTypes) {
        guard types.indices.contains(where: { types.kind($0) != .function }) else { return }
        for index in types.indices {
            starts.append(Int32(truncatingIfNeeded: fields.count))
            var end = ObjectLayout.headerBytes
            if types.kind(index) != .function {
                for field in types.fieldTypes(index) {
                    let offset = ObjectLayout.offset(of: field.storage, after: end)
                    end = offset + ObjectLayout.bytes(of: field.storage)
                    fields.append(
                        Field(storage: field.storage, offset: Int32(truncatingIfNeeded: offset)))
                }
            }
            sizes.append(Int32(truncatingIfNeeded: ObjectLayout.objectBytes(end)))
        }
        starts.append(Int32(truncatingIfNeeded: fields.count))
    }

    /// Field `index` of structure `type`.
    @inline(__always)
    public func field(_ type: Int, _ index: Int) -> Field { fields[Int(starts[type]) &+ index] }

    /// How many fields structure `type` has.
    public func fieldCount(_ type: Int) -> Int { Int(starts[type &+ 1] &- starts[type]) }

    /// The elements of array `type`.
    @inline(__always)
    public func elements(_ type: Int) -> Field { fields[Int(starts[type])] }

    /// Bytes of an object of structure `type`.
    @inline(__always)
    public func structureBytes(_ type: Int) -> Int { Int(sizes[type]) }
}
