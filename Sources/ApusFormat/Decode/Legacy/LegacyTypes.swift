/// The module's types, as rewriting legacy exception handling asks for them and adds to them.
final class LegacyTypes {
    private(set) var types: ModuleTypes
    private let tags: [UInt32]
    private let limit: Int
    /// What has been added, by index.
    private var added: [FunctionType: UInt32] = [:]
    /// Offset of the body at hand, for messages.
    var offset = 0

    init(_ types: ModuleTypes, tags: [UInt32], limit: Int) {
        self.types = types
        self.tags = tags
        self.limit = limit
    }

    /// The index of a type of blocks, which is added at the first time.
    func index(of type: FunctionType) throws(ModuleError) -> UInt32 {
        if let index = added[type] { return index }
        guard types.count < limit else {
            throw ModuleError(.limit, at: offset, "too many types")
        }
        let index = UInt32(truncatingIfNeeded: types.count)
        types.append(type)
        added[type] = index
        return index
    }

    /// What exceptions with `tag` carry; nothing of all.
    func values(ofTag tag: UInt32?) throws(ModuleError) -> [ValueType] {
        guard let tag else { return [] }
        guard Int(tag) < tags.count else {
            throw ModuleError(.invalid, at: offset, "unknown tag \(tag)")
        }
        return try function(Int(tags[Int(tag)])).parameters
    }

    /// What a block of `type` takes.
    func parameters(of type: BlockType) throws(ModuleError) -> [ValueType] {
        guard let index = type.typeIndex else { return [] }
        return try function(index).parameters
    }

    private func function(_ index: Int) throws(ModuleError) -> FunctionType {
        guard index < types.count, types.kind(index) == .function else {
            throw ModuleError(.invalid, at: offset, "unknown type \(index)")
        }
        return types.function(index)
    }
}
