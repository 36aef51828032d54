internal import ApusFormat
internal import ApusRuntime

/// Tells what a store has apart, as long as that is there.
@_spi(ApusC)
public struct ItemIdentity: Hashable {
    private let bits: UInt

    init(_ object: AnyObject) { bits = UInt(bitPattern: ObjectIdentifier(object)) }

    /// Of a reference by its bits in its store.
    init(_ bits: UInt64) { self.bits = UInt(truncatingIfNeeded: bits) }

    init(_ function: FunctionReference) { bits = UInt(truncatingIfNeeded: function.bits) }
}

extension Item {
    /// The same for all that name the same thing of a store, and for nothing else of it.
    @_spi(ApusC)
    public var identity: ItemIdentity {
        switch self {
        case .function(let function): ItemIdentity(function.reference)
        case .table(let table): ItemIdentity(table.references)
        case .memory(let memory): ItemIdentity(memory.linear)
        case .global(let global): ItemIdentity(global.cell)
        case .tag(let tag): ItemIdentity(tag.tag)
        }
    }
}

extension Value {
    /// The same for all references to the same object or exception of `store`, as long as somebody
    /// has one of them; nil if it is none.
    @_spi(ApusC)
    public func identity(in store: Store) -> ItemIdentity? {
        switch self {
        case .any(let reference?): (try? reference.bits(in: store)).map { ItemIdentity($0) }
        case .exception(let exception?): ItemIdentity(exception.thrown)
        default: nil
        }
    }
}

extension Instance {
    /// The same for all that name the same instance of a store, and for nothing else of it.
    @_spi(ApusC)
    public var identity: ItemIdentity { ItemIdentity(state) }
}

extension Trap.Frame {
    /// The instance of `store` in which the function ran; nil if it is none of that store's, or
    /// cannot be told.
    @_spi(ApusC)
    public func instance(in store: Store) -> Instance? {
        guard let instance = try? store.runtime.instance(of: frame) else { return nil }
        return Instance(instance, in: store)
    }
}
