public import ApusCollections

/// The types of a module laid flat, so that looking one up touches no reference counts.
///
/// Made once per thread that validates or compiles a module's functions.
public struct SignatureTable: ~Copyable {
    /// Parameters and results of all function types, one after the other, the values that fields of
    /// others are made of, and then one entry for each value type that a block may have as its
    /// only result.
    public private(set) var types = Arena<ValueType>(capacity: 256)
    /// Of structures and arrays: the places of their fields as those of results.
    private var entries = Arena<FlatSignature>(capacity: 64)
    /// The fields of all structures and arrays; their references are canonical.
    private var fields = Arena<FieldType>(capacity: 16)
    private var places = Arena<TypePlace>(capacity: 64)
    /// Type index per function, imported ones first.
    private var functions = Arena<UInt32>(capacity: 64)
    /// Where the entries for lone results begin.
    private var singles: Int32 = 0
    /// How many types there are without those that `exactSingle` has added.
    private var lastingCount = 0
    /// Some type mentions v128.
    public private(set) var hasVectors = false

    private static var lone: [ValueType] { [.i32, .i64, .f32, .f64, .v128, .funcref, .externref] }

    public init(_ module: DecodedModule) {
        places.reserve(module.types.count)
        for place in module.typePlaces { places.append(place) }
        for index in module.types.indices {
            entries.append(
                module.types.kind(index) == .function
                    ? appendFunction(index, module) : appendAggregate(index, module))
        }
        functions.reserve(module.functions.count)
        for function in module.functions { functions.append(function) }
        singles = Int32(truncatingIfNeeded: types.count)
        for type in Self.lone { types.append(type) }
        lastingCount = types.count
    }

    private mutating func appendFunction(
        _ index: Int, _ module: DecodedModule
    ) -> FlatSignature {
        let parameters = module.types.fieldRange(index)
        let results = module.types.resultRange(index)
        var entry = FlatSignature()
        entry.parameterStart = Int32(truncatingIfNeeded: types.count)
        entry.parameterCount = Int32(truncatingIfNeeded: parameters.count)
        entry.resultStart = entry.parameterStart &+ entry.parameterCount
        entry.resultCount = Int32(truncatingIfNeeded: results.count)
        for place in parameters.lowerBound..<results.upperBound {
            let type = module.canonical(module.types.fields[place]).storage
            if type == .v128 { hasVectors = true }
            types.append(type)
        }
        return entry
    }

    private mutating func appendAggregate(
        _ index: Int, _ module: DecodedModule
    ) -> FlatSignature {
        var entry = FlatSignature()
        entry.parameterStart = Int32(truncatingIfNeeded: types.count)
        entry.resultStart = Int32(truncatingIfNeeded: fields.count)
        for place in module.types.fieldRange(index) {
            let field = module.canonical(module.types.fields[place])
            types.append(field.unpacked)
            fields.append(field)
            entry.resultCount &+= 1
        }
        return entry
    }

    public var count: Int { entries.count }
    public var functionCount: Int { functions.count }

    @inline(__always)
    public subscript(typeIndex: Int) -> FlatSignature { entries[typeIndex] }

    /// The fields of the structure type `typeIndex`, or the elements of an array type as the only
    /// one.
    @inline(__always)
    public func fields(_ typeIndex: Int) -> FlatFields {
        let entry = entries[typeIndex]
        return FlatFields(
            start: entry.resultStart, count: entry.resultCount, valueStart: entry.parameterStart)
    }

    /// Field `index` of those, which there must be. If it is a reference to a type, then by the
    /// canonical index.
    @inline(__always)
    public func field(_ index: Int32, of fields: FlatFields) -> FieldType {
        self.fields[Int(fields.start &+ index)]
    }

    /// What is known of type `index` besides.
    @inline(__always)
    public func place(_ index: Int) -> TypePlace { places[index] }

    /// Index of the type of function `index` (imported ones first).
    @inline(__always)
    public func typeIndex(ofFunction index: Int) -> Int { Int(functions[index]) }

    /// The signature of function `index` (imported ones first).
    @inline(__always)
    public func ofFunction(_ index: Int) -> FlatSignature { entries[Int(functions[index])] }

    /// The signature of a block whose only result is of `type`. For compilers, to which all
    /// references to functions are the same, a typed one is a `funcref` here.
    public func single(_ type: ValueType) -> FlatSignature {
        let offset: Int32 =
            switch type {
            case .i32: 0
            case .i64: 1
            case .f32: 2
            case .f64: 3
            case .v128: 4
            case .externref, .reference(.extern, nullable: false): 6
            default: 5
            }
        var signature = FlatSignature()
        signature.resultStart = singles &+ offset
        signature.resultCount = 1
        return signature
    }

    /// Forgets what `exactSingle` has added, for another function.
    mutating func forgetExactSingles() { types.truncate(to: lastingCount) }

    /// The signature of a block whose only result is exactly of `type`, which is added unless it
    /// was the last one.
    mutating func exactSingle(_ type: ValueType) -> FlatSignature {
        if !type.isReference || type == .funcref || type == .externref { return single(type) }
        if types.last != type { types.append(type) }
        var signature = FlatSignature()
        signature.resultStart = Int32(truncatingIfNeeded: types.count &- 1)
        signature.resultCount = 1
        return signature
    }
}

extension SignatureTable: TypeHierarchy {
    /// What type `index` is; nil if there is none.
    public func kind(_ index: UInt32) -> CompositeKind? {
        Int(index) < places.count ? places[Int(index)].kind : nil
    }

    /// Whether a type is `other` or below it; both indices must be canonical.
    public func isSubtype(_ index: UInt32, of other: UInt32) -> Bool {
        TypePlace.isSubtype(index, of: other) { places[Int($0)] }
    }
}

/// Where the parameters and results of a function type lie in `SignatureTable.types`.
public struct FlatSignature: BitwiseCopyable, Sendable {
    public var parameterStart: Int32 = 0
    public var parameterCount: Int32 = 0
    public var resultStart: Int32 = 0
    public var resultCount: Int32 = 0

    public init() {}
}

/// Where the fields of a structure or array type lie in `SignatureTable`.
public struct FlatFields: BitwiseCopyable, Sendable {
    var start: Int32
    /// How many there are.
    public var count: Int32
    /// Where in `SignatureTable.types` the types of the values begin that the fields are made of:
    /// what is packed is an i32 there.
    public var valueStart: Int32
}
