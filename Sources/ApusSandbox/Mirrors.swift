internal import Apus

// What `dump`, `String(reflecting:)` and tools of tests see of actors and of what is shared: only
// what never changes, for they read it from any thread.

extension Sandbox: CustomReflectable {
    /// What its guests are made of: what tools show of it.
    public nonisolated var customMirror: Mirror {
        Mirror(self, children: ["template": template], displayStyle: .class)
    }
}

extension SandboxPool: CustomReflectable {
    /// What its sandboxes are made of: what tools show of it.
    public nonisolated var customMirror: Mirror {
        Mirror(self, children: ["template": template], displayStyle: .class)
    }
}

extension InstancePool: CustomReflectable {
    /// What its instances are made of, and how many there are at most: what tools show of it.
    public var customMirror: Mirror {
        Mirror(self, children: ["module": module, "count": count], displayStyle: .struct)
    }
}
