// SAFETY: only its allocator has it, under a lock, until the one thread that takes it out binds it.
/// An instance that is bound to no store.
@safe
struct IdleInstance: @unchecked Sendable {
    let state: InstanceState

    init(_ state: InstanceState) { self.state = state }
}
