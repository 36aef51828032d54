extension RuntimeStore {
    /// The store's instance of `module`; nil if there is none, or more than one.
    public func onlyInstance(of module: LoadedModule) -> InstanceState? {
        var found: InstanceState?
        for instance in instances where instance.module === module {
            if found != nil { return nil }
            found = instance
        }
        return found
    }
}
