internal import ApusCollections

/// Types and fields in messages: by their indices, and by the names that the module gives them.
extension DecodedModule {
    /// As `type 3`, or `type 3 (point)`.
    func describe(type index: Int) -> String {
        "type \(index)\(Self.parenthesized(ModuleNames(self).type(index)))"
    }

    /// As `field 1 (y) of type 3 (point)`.
    func describe(field index: Int, of type: Int) -> String {
        let name = Self.parenthesized(ModuleNames(self).field(index, of: type))
        return "field \(index)\(name) of \(describe(type: type))"
    }

    /// As `i32`, `(ref null 3)` or, by its name, `(ref null $point)`. Of types that are equal it is
    /// the first one's.
    func describe(_ type: ValueType) -> String {
        guard type.isReference, let index = type.heapType.typeIndex,
            let name = ModuleNames(self).type(Int(index))
        else { return type.description }
        return "(ref \(type.isNullable ? "null " : "")$\(PrintableText.name(name)))"
    }

    private static func parenthesized(_ name: String?) -> String {
        name.map { " (\(PrintableText.name($0)))" } ?? ""
    }
}
