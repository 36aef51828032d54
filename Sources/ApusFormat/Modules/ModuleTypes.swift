internal import ApusCollections

/// The types that a module defines, laid flat, in recursion groups.
///
/// They are kept as they are written, whether or not they are valid. Specification: 2.5.2 “Types”,
/// 2.3.9 “Recursive Types”.
public struct ModuleTypes: Hashable, Sendable {
    /// What there is of a type besides its fields.
    struct Entry: Hashable, Sendable, BitwiseCopyable {
        var kind: CompositeKind
        var isFinal: Bool
        /// Index of its supertype; `noSupertype` if it has none.
        var supertype: UInt32
        /// Index of its group.
        var group: UInt32
        /// Where its parameters or fields begin in `fields`; its results follow.
        var start: UInt32
        /// How many parameters or fields it has.
        var count: UInt32
        var resultCount: UInt32
    }

    /// No module has more types, whatever its limits: indices leave room for what else heap types
    /// may stand for.
    public static var limit: Int { 1 << 21 - 1 }
    /// The most supertypes above a type: what the engines of the web have agreed on.
    public static var depthLimit: Int { 63 }
    /// The most elements of an array that is made of elements on the stack: again, what those have.
    static var fixedArrayLimit: UInt32 { 10_000 }
    static var noSupertype: UInt32 { .max }

    private(set) var entries: [Entry] = []
    /// Parameters, results and fields of all types, one after the other.
    private(set) var fields: [FieldType] = []
    /// Index of each group's first type. No group is empty.
    private var groupStarts: [UInt32] = []

    public init() {}

    /// Function types, each in a group of its own.
    public init(_ functions: some Sequence<FunctionType>) {
        for type in functions { append(type) }
    }

    // MARK: Reading

    /// How many types there are.
    public var count: Int { entries.count }
    public var isEmpty: Bool { entries.isEmpty }
    public var indices: Range<Int> { 0..<entries.count }
    /// How many recursion groups there are, leaving out empty ones.
    public var groupCount: Int { groupStarts.count }

    /// The indices of the types in a recursion group.
    public func group(_ number: Int) -> Range<Int> {
        let next = number + 1
        let end = next < groupStarts.count ? Int(groupStarts[next]) : entries.count
        return Int(groupStarts[number])..<end
    }

    /// The indices of the types in the group that type `index` belongs to.
    public func group(of index: Int) -> Range<Int> { group(Int(entries[index].group)) }

    /// What type `index` is.
    public func kind(_ index: Int) -> CompositeKind { entries[index].kind }

    /// Whether type `index` exists and is a function type.
    public func isFunction(_ index: UInt32) -> Bool {
        Int(index) < entries.count && entries[Int(index)].kind == .function
    }

    /// Where the parameters of function type `index`, or the fields of another, lie in `fields`.
    func fieldRange(_ index: Int) -> Range<Int> {
        let entry = entries[index]
        return Int(entry.start)..<Int(entry.start) + Int(entry.count)
    }

    /// The fields of structure `index`, or the one of an array.
    public func fieldTypes(_ index: Int) -> ArraySlice<FieldType> { fields[fieldRange(index)] }

    /// Where the results of function type `index` lie in `fields`.
    func resultRange(_ index: Int) -> Range<Int> {
        let start = fieldRange(index).upperBound
        return start..<start + Int(entries[index].resultCount)
    }

    /// The function type with this index, which must be one.
    public func function(_ index: Int) -> FunctionType {
        precondition(entries[index].kind == .function)
        return FunctionType(
            fields[fieldRange(index)].map(\.storage), fields[resultRange(index)].map(\.storage))
    }

    /// The type with this index.
    public subscript(index: Int) -> SubType {
        let entry = entries[index]
        let composite: CompositeType =
            switch entry.kind {
            case .function: .function(function(index))
            case .structure: .structure(Array(fields[fieldRange(index)]))
            case .array: .array(fields[Int(entry.start)])
            }
        return SubType(
            composite, isFinal: entry.isFinal,
            supertype: entry.supertype == Self.noSupertype ? nil : entry.supertype)
    }

    // MARK: Writing

    /// Makes room for `count` more types.
    public mutating func reserve(_ count: Int) { entries.reserveCapacity(entries.count + count) }

    /// Adds a type without fields, as the first one of another group if it `startsGroup`.
    mutating func begin(
        _ kind: CompositeKind, isFinal: Bool, supertype: UInt32?, startsGroup: Bool
    ) {
        if startsGroup { groupStarts.append(UInt32(truncatingIfNeeded: entries.count)) }
        entries.append(
            Entry(
                kind: kind, isFinal: isFinal, supertype: supertype ?? Self.noSupertype,
                group: UInt32(truncatingIfNeeded: groupStarts.count &- 1),
                start: UInt32(truncatingIfNeeded: fields.count), count: 0, resultCount: 0))
    }

    /// Adds a parameter or a field to the last type, which has no results yet.
    mutating func addField(_ type: FieldType) {
        fields.append(type)
        entries[entries.count &- 1].count &+= 1
    }

    /// Adds a result to the last type.
    mutating func addResult(_ type: ValueType) {
        fields.append(FieldType(type))
        entries[entries.count &- 1].resultCount &+= 1
    }

    /// Adds a function type in a group of its own.
    public mutating func append(_ type: FunctionType) { append(group: [SubType(.function(type))]) }

    /// Adds a recursion group.
    public mutating func append(group types: [SubType]) {
        for (position, type) in types.enumerated() {
            begin(
                type.composite.kind, isFinal: type.isFinal, supertype: type.supertype,
                startsGroup: position == 0)
            switch type.composite {
            case .function(let function):
                for parameter in function.parameters { addField(FieldType(parameter)) }
                for result in function.results { addResult(result) }
            case .structure(let fields): for field in fields { addField(field) }
            case .array(let element): addField(element)
            }
        }
    }
}
