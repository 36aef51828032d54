@_spi(ApusC) internal import Apus
internal import CApusC

/// What references can refer to.
class Referent: HandleObject {
    class var kind: UInt32 { apus_kind_ref.rawValue }

    /// What the host has attached.
    var info: HostInfo? { ownInfo }
    private var ownInfo: HostInfo?

    /// Attaches `info` in place of what there was.
    func setInfo(_ info: HostInfo) {
        // What goes may call back, when nothing is being changed any more.
        let old = ownInfo
        ownInfo = info
        withExtendedLifetime(old) {}
    }

    /// Whether both are the same thing.
    func isSame(as other: Referent) -> Bool { self === other }

    /// What guests hold when they hold it as an `externref`. It must not keep their store.
    var external: ExternReference { ExternReference(self) }

    /// What it is where a value of `type` is wanted.
    func value(of type: ValueType) throws -> Value {
        let value = Value.external(external)
        guard value.matches(type) else {
            throw TypeError(expected: [type], found: [.externref], place: "a reference")
        }
        return value
    }
}

/// Something of a store. Its information is kept by that, since there is one of these objects for
/// each time that it was asked for.
class StorePart: Referent {
    let store: StoreObject
    let kept: StoreObject.Kept
    let identity: ItemIdentity

    init(_ store: StoreObject, _ kept: StoreObject.Kept) {
        self.store = store
        self.kept = kept
        identity = kept.identity
    }

    override var info: HostInfo? { store.infos[identity] }

    override func setInfo(_ info: HostInfo) {
        let old = store.infos.updateValue(info, forKey: identity)
        withExtendedLifetime(old) {}
    }

    override func isSame(as other: Referent) -> Bool {
        guard let other = other as? StorePart else { return false }
        return store === other.store && identity == other.identity
    }

    override var external: ExternReference {
        store.kept[identity] = kept
        return ExternReference(StoredReference(store, identity))
    }
}

/// Something of a store where guests hold it, of that store or another one.
final class StoredReference {
    /// Nil when the store is gone, which what another store's guests hold does not keep.
    private weak var store: StoreObject?
    private let identity: ItemIdentity

    init(_ store: StoreObject, _ identity: ItemIdentity) {
        self.store = store
        self.identity = identity
    }

    /// What it is; nil if it is no more.
    var referent: Referent? { store.flatMap { $0.kept[identity]?.part(of: $0) } }
}

/// Something of the host's that has nothing but its information.
final class ForeignObject: Referent {
    override class var kind: UInt32 { apus_kind_foreign.rawValue }
}

/// An object or an exception of a guest. Its information is kept by the store, and by that the
/// object, since there is one of these for each time that it was asked for.
final class GuestObject: Referent {
    override class var kind: UInt32 { apus_kind_object.rawValue }
    private let value: Value
    private let store: StoreObject
    private let identity: ItemIdentity?

    init(_ value: Value, in store: StoreObject) {
        self.value = value
        self.store = store
        identity = value.identity(in: store.store)
    }

    override var info: HostInfo? {
        guard let identity else { return super.info }
        return store.infos[identity]
    }

    override func setInfo(_ info: HostInfo) {
        guard let identity else { return super.setInfo(info) }
        store.objects[identity] = value
        let old = store.infos.updateValue(info, forKey: identity)
        withExtendedLifetime(old) {}
    }

    override func isSame(as other: Referent) -> Bool {
        guard let other = other as? GuestObject, let identity else { return self === other }
        return store === other.store && identity == other.identity
    }

    override func value(of type: ValueType) throws -> Value {
        if value.matches(type) { return value }
        if case .any(let reference?) = value {
            let external = Value.external(ExternReference(reference))
            if external.matches(type) { return external }
        }
        throw TypeError(expected: [type], found: [value.type], place: "a reference")
    }
}
