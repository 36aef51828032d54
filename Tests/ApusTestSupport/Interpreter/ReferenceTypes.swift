internal import ApusFormat

/// The function types of a module with a store's numbers of types in place of the module's type
/// indices, so that types of several modules can be compared. Specification: 3.1.4.
struct ReferenceTypes {
    private(set) var functions: [FunctionType] = []
    /// Stands for the type that it occurs in.
    private static var itself: UInt32 { 0xFF_FFFE }
    /// The store's number of each type.
    private var numbers: [UInt32] = []

    /// Types may refer to earlier ones, and to themselves.
    init(_ types: [FunctionType], in store: ReferenceStore) {
        for type in types {
            let function = FunctionType(
                type.parameters.map(canonical), type.results.map(canonical))
            functions.append(function)
            let next = UInt32(store.typeNumbers.count)
            numbers.append(store.typeNumbers[function, default: next])
            store.typeNumbers[function] = numbers[numbers.count - 1]
        }
    }

    func canonical(_ type: ValueType) -> ValueType {
        guard type.isReference, let index = type.heapType.typeIndex else { return type }
        // Within itself a type has no number yet; nor do those that the scripts refuse.
        guard Int(index) < numbers.count else {
            return .reference(HeapType(typeIndex: Self.itself), nullable: type.isNullable)
        }
        return .reference(HeapType(typeIndex: numbers[Int(index)]), nullable: type.isNullable)
    }

    func canonical(_ type: GlobalType) -> GlobalType {
        GlobalType(canonical(type.value), isMutable: type.isMutable)
    }
}
