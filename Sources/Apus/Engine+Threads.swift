public import ApusRuntime

extension Engine {
    /// Does for the calling thread what else its first call into a guest does: it finds the bounds
    /// of its stack, gives it a stack for signals if it has none, and lets it receive those that
    /// traps come by. For threads whose first call is not to take longer than others.
    ///
    /// - Throws: `ResourceError` if the system refuses.
    public func prepareThread() throws(ResourceError) {
        try environment.prepareThread()
    }
}
