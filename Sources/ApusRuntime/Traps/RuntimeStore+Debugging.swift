public import ApusABI
internal import ApusCollections
internal import CApusHost

extension RuntimeStore {
    /// Has `handler` told of all stops and traps of the store's guests from now on. It is kept.
    public func startDebugging(_ handler: any StopHandler) -> StopControl {
        // SAFETY: the function is one of C's kind, and stays.
        stopHandler = handler
        unsafe context.pointee.trapped = Self.trapped
        if let stopControl { return stopControl }
        let control = StopControl()
        stopControl = control
        for instance in instances {
            let writer = unsafe ContextWriter(instance.context, instance.module)
            guard let place = unsafe writer.stops else { continue }
            control.add(UInt(bitPattern: place), of: instance.module)
        }
        return control
    }

    /// Tells the frame that has stopped from others, as `GuestFrame.identity` does.
    public var stoppedFrame: UInt? {
        // SAFETY: the context is the store's own allocation, which lives as long as the store.
        let frame = unsafe context.pointee.exit_fp
        return frame == 0 ? nil : frame
    }

    /// The code of an instance of this store, of `module`, looks at `place` where it is to stop.
    func watchStops(at place: UnsafeMutablePointer<UInt>, of module: LoadedModule) {
        // SAFETY: only the address is taken. The instance's context lives as long as the store, or
        // is led elsewhere when the instance is bound to another one.
        let address = UInt(bitPattern: place)
        if let stopControl { return stopControl.add(address, of: module) }
        module.noStops?.watch(address)
    }

    /// `instance`, which runs, is before the instruction at `place` of the bytes that say where to
    /// stop.
    func stop(_ instance: InstanceState, place: Int) {
        guard let stopHandler else { return }
        do {
            let offset = instance.module.layout.stopRange.lowerBound + place
            try stopHandler.stopped(before: offset, in: instance)
        } catch {
            fail(error)
        }
    }

    // SAFETY: the signal handler and the way out of wasm call it with the context of a store that
    // is in a call, and so is kept.
    private static let trapped: @convention(c) (UnsafeMutablePointer<apus_store_context>?) -> Void =
        { context in
            guard let context = unsafe context, let store = unsafe context.pointee.store else {
                return
            }
            let trap = unsafe GuestTrap(
                code: TrapCode(
                    stored: UInt8(truncatingIfNeeded: context.pointee.trap), or: .none),
                isCaught: context.pointee.catch_pc != 0)
            unsafe Unmanaged<RuntimeStore>.fromOpaque(store)._withUnsafeGuaranteedRef {
                $0.stopHandler?.trapped(trap)
            }
        }
}

/// What a guest has run into.
public struct GuestTrap: Sendable {
    public var code: TrapCode
    /// Whether it is an exception that the guest catches.
    public var isCaught: Bool
}
