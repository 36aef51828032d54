extension RuntimeFunctions {
    // SAFETY: the context comes from compiled code that runs.
    /// (place of the instruction among those of the module): the guest is to stop before it
    static let stop: Entry = { context, place, _, _, _, _ in
        unsafe withInstance(context) { instance in
            instance.store.stop(instance, place: Int(truncatingIfNeeded: place))
            return 0
        }
    }
}
