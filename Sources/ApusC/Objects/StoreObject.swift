@_spi(ApusC) internal import Apus
internal import CApusC

/// A store, and what the host knows of its parts.
final class StoreObject: HandleObject {
    static var kind: UInt32 { apus_kind_store.rawValue }

    let store: Store
    let engine: EngineObject
    /// What the host has attached to its parts.
    var infos: [ItemIdentity: HostInfo] = [:]
    /// The objects of its guests that have some of that: an identity is of use only as long as what
    /// it is of is there.
    var objects: [ItemIdentity: Value] = [:]
    /// The parts that its guests hold as references to something of the host's.
    var kept: [ItemIdentity: Kept] = [:]

    init(_ store: Store, of engine: EngineObject) {
        self.store = store
        self.engine = engine
    }

    /// A part of a store.
    enum Kept {
        case item(Item)
        case instance(Instance)

        var identity: ItemIdentity {
            switch self {
            case .item(let item): item.identity
            case .instance(let instance): instance.identity
            }
        }

        /// The object that handles are for.
        func part(of store: StoreObject) -> StorePart {
            switch self {
            case .item(.function(let function)): FunctionObject(function, in: store)
            case .item(.global(let global)): GlobalObject(global, in: store)
            case .item(.table(let table)): TableObject(table, in: store)
            case .item(.memory(let memory)): MemoryObject(memory, in: store)
            case .item(.tag(let tag)): TagObject(tag, in: store)
            case .instance(let instance): InstanceObject(instance, in: store)
            }
        }
    }

    /// What a value of the store's guests is to C.
    func referent(_ value: Value) -> Referent? {
        switch value {
        case .i32, .i64, .f32, .f64, .v128: nil
        case .function(let function): function.map { FunctionObject($0, in: self) }
        case .external(let reference): reference.flatMap { referent(ofExternal: $0.value) }
        case .any(.external(let reference)?): referent(ofExternal: reference.value)
        case .any(let reference): reference.map { _ in GuestObject(value, in: self) }
        case .exception(let exception): exception.map { _ in GuestObject(value, in: self) }
        }
    }

    /// What a guest's `externref` refers to.
    private func referent(ofExternal value: Any) -> Referent? {
        switch value {
        case let stored as StoredReference: stored.referent
        case let referent as Referent: referent
        case let reference as AnyReference: GuestObject(.any(reference), in: self)
        default: nil
        }
    }
}

/// An instance.
final class InstanceObject: StorePart {
    override class var kind: UInt32 { apus_kind_instance.rawValue }
    let instance: Instance

    init(_ instance: Instance, in store: StoreObject) {
        self.instance = instance
        super.init(store, .instance(instance))
    }
}

/// A global.
final class GlobalObject: StorePart {
    override class var kind: UInt32 { apus_kind_global.rawValue }
    let global: Global

    init(_ global: Global, in store: StoreObject) {
        self.global = global
        super.init(store, .item(.global(global)))
    }
}

/// A table.
final class TableObject: StorePart {
    override class var kind: UInt32 { apus_kind_table.rawValue }
    let table: Table

    init(_ table: Table, in store: StoreObject) {
        self.table = table
        super.init(store, .item(.table(table)))
    }
}

/// A memory.
final class MemoryObject: StorePart {
    override class var kind: UInt32 { apus_kind_memory.rawValue }
    let memory: Memory

    init(_ memory: Memory, in store: StoreObject) {
        self.memory = memory
        super.init(store, .item(.memory(memory)))
    }
}

/// A tag.
final class TagObject: StorePart {
    override class var kind: UInt32 { apus_kind_tag.rawValue }

    init(_ tag: Tag, in store: StoreObject) { super.init(store, .item(.tag(tag))) }
}
