internal import ApusCollections
public import ApusFormat

/// The types of a module with a store's numbers of types in place of the module's type indices, so
/// that types of several modules can be compared. Specification: 3.1.2, 3.3.
struct ReferenceTypes {
    /// By type index; empty ones for what is no function type.
    private(set) var functions: [FunctionType] = []
    /// The store's number of each type.
    private(set) var numbers: [UInt32] = []

    init(_ types: ModuleTypes, in store: ReferenceStore) {
        for group in 0..<types.groupCount {
            let group = types.group(group)
            // Rolled up: the group's own types are positions, others are numbers.
            let key = group.map { index in
                types[index].naming { named in
                    group.contains(Int(named))
                        ? ReferenceStore.position + named - UInt32(group.lowerBound)
                        : number(named)
                }
            }
            let first = store.number(of: key)
            for position in key.indices { numbers.append(first + UInt32(position)) }
            for index in group {
                guard case .function(let function) = types[index].naming(number).composite else {
                    functions.append(FunctionType())
                    continue
                }
                functions.append(function)
            }
        }
    }

    /// What is not there is what the scripts refuse.
    private func number(_ index: UInt32) -> UInt32 {
        Int(index) < numbers.count ? numbers[Int(index)] : index
    }

    func canonical(_ type: ValueType) -> ValueType { type.naming(number) }

    func canonical(_ type: GlobalType) -> GlobalType {
        GlobalType(canonical(type.value), isMutable: type.isMutable)
    }
}

extension ReferenceStore {
    /// Added to the positions of types in their own group: no number is so great.
    static var position: UInt32 { 0x40_0000 }

    /// The number of the first type of a group; the others follow.
    func number(of group: [SubType]) -> UInt32 {
        if let known = typeNumbers[group] { return known }
        let first = UInt32(types.count)
        typeNumbers[group] = first
        for type in group {
            types.append(type.naming { $0 < Self.position ? $0 : $0 - Self.position + first })
        }
        return first
    }
}

extension ReferenceStore: TypeHierarchy {
    public func kind(_ number: UInt32) -> CompositeKind? {
        Int(number) < types.count ? types[Int(number)].composite.kind : nil
    }

    /// As it is declared, one step after the other.
    public func isSubtype(_ number: UInt32, of other: UInt32) -> Bool {
        var number: UInt32? = number
        while let present = number {
            if present == other { return true }
            number = types[Int(present)].supertype
        }
        return false
    }
}

extension ValueType {
    fileprivate func naming(_ replacement: (UInt32) -> UInt32) -> ValueType {
        guard isReference, let index = heapType.typeIndex else { return self }
        return .reference(HeapType(typeIndex: replacement(index)), nullable: isNullable)
    }
}

extension SubType {
    /// The same with what `replacement` gives for each type that it names.
    fileprivate func naming(_ replacement: (UInt32) -> UInt32) -> SubType {
        func rename(_ field: FieldType) -> FieldType {
            FieldType(field.storage.naming(replacement), isMutable: field.isMutable)
        }
        let renamed: CompositeType =
            switch composite {
            case .function(let type):
                .function(
                    FunctionType(
                        type.parameters.map { $0.naming(replacement) },
                        type.results.map { $0.naming(replacement) }))
            case .structure(let fields): .structure(fields.map(rename))
            case .array(let element): .array(rename(element))
            }
        return SubType(renamed, isFinal: isFinal, supertype: supertype.map(replacement))
    }
}
