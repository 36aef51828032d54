extension RuntimeStore {
    /// The instance of the store in which the function of `frame` ran; nil if that is none of this
    /// store's, or cannot be told.
    public func instance(of frame: Backtrace.Frame) -> InstanceState? {
        guard frame.store == number else { return nil }
        if frame.context == 0 { return onlyInstance(of: frame.module) }
        return instances.first { instance in
            // SAFETY: only the address is taken.
            UInt(bitPattern: unsafe instance.context) == frame.context
                && instance.module === frame.module
        }
    }

    /// The store's instance of `module`; nil if there is none, or more than one.
    private func onlyInstance(of module: LoadedModule) -> InstanceState? {
        var found: InstanceState?
        for instance in instances where instance.module === module {
            if found != nil { return nil }
            found = instance
        }
        return found
    }
}
