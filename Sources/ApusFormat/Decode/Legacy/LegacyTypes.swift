internal import ApusCollections

/// The module's types, as rewriting legacy exception handling asks for them and adds to them.
final class LegacyTypes {
    private(set) var types: ModuleTypes
    /// How many of them the module has itself.
    let ownCount: Int
    private let tags: [UInt32]
    private let limit: Int
    /// What has been added, by index.
    private var added: [FunctionType: UInt32] = [:]
    /// How many values that takes and gives.
    private var valueCount = 0
    /// Of the shapes that there have been.
    private var blocks: [Shape: BlockType] = [:]
    /// Offset of the body at hand, for messages.
    var offset = 0

    /// A few bytes ask for a type of two thousand values, and any two of them for another one: real
    /// modules have types of some ten values, and this many only if they have a hundred thousand.
    private static var valueLimit: Int { 1 << 20 }

    /// What a block takes and gives, as the instructions say that are the reason for it.
    struct Shape: Hashable {
        /// It takes what blocks of this type take.
        var parameters = BlockType.empty
        /// It gives what exceptions with this tag carry; nothing: what all carry.
        var tag: UInt32?
        /// And the exception itself.
        var givesException = true
    }

    init(_ types: ModuleTypes, tags: [UInt32], limit: Int) {
        self.types = types
        ownCount = types.count
        self.tags = tags
        self.limit = limit
    }

    /// The type of blocks of `shape`, which is added at the first time if it has to be.
    func block(_ shape: Shape) throws(ModuleError) -> BlockType {
        if let known = blocks[shape] { return known }
        let parameters = try parameters(of: shape.parameters)
        let results = try values(ofTag: shape.tag) + (shape.givesException ? [.exnref] : [])
        let type: BlockType =
            if parameters.isEmpty, results.count < 2 {
                results.first.map { .result($0) } ?? .empty
            } else {
                .type(try index(of: FunctionType(parameters, results)))
            }
        blocks[shape] = type
        return type
    }

    private func index(of type: FunctionType) throws(ModuleError) -> UInt32 {
        if let index = added[type] { return index }
        guard types.count < limit else {
            throw ModuleError(.limit, at: offset, "too many types")
        }
        valueCount += type.parameters.count + type.results.count
        guard valueCount <= Self.valueLimit else {
            throw ModuleError(
                .limit, at: offset, "too many values in types of blocks of legacy exceptions")
        }
        let index = UInt32(truncatingIfNeeded: types.count)
        types.append(type)
        added[type] = index
        return index
    }

    /// What exceptions with `tag` carry; nothing of all.
    private func values(ofTag tag: UInt32?) throws(ModuleError) -> [ValueType] {
        guard let tag else { return [] }
        guard Int(tag) < tags.count else {
            throw ModuleError(.invalid, at: offset, "unknown tag \(tag)")
        }
        return try function(Int(tags[Int(tag)])).parameters
    }

    /// What a block of `type` takes.
    private func parameters(of type: BlockType) throws(ModuleError) -> [ValueType] {
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
